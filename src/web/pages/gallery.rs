//! What galleries are made of: tiles and colours of classes.

/// An image in a gallery.
#[derive(Default)]
pub(crate) struct Tile {
    pub(crate) href: String,
    /// The sample: `#tile-ID` leads to its tile.
    pub(crate) id: i64,
    /// Its number, where it can be selected.
    pub(crate) sample: Option<i64>,
    pub(crate) hash: String,
    pub(crate) width: i64,
    pub(crate) height: i64,
    /// In place of the image where it can't be seen.
    pub(crate) alt: String,
    /// Beneath the image: class, or prediction.
    pub(crate) caption: String,
    /// What the gallery is ordered by.
    pub(crate) value: Option<String>,
    /// Of its class.
    pub(crate) colour: Option<String>,
    /// Whether it is a mistake, in words and shape.
    pub(crate) wrong: bool,
    /// What it became since what is shown of it was found.
    pub(crate) edited: Option<String>,
}

impl Tile {
    /// Whether it is enlarged pixel by pixel rather than smoothly.
    pub(crate) fn is_small(&self) -> bool {
        self.width.max(self.height) <= 64
    }
}

/// The name of a label.
pub(crate) fn class(classes: &[String], label: i64) -> &str {
    usize::try_from(label).ok().and_then(|label| classes.get(label)).map_or("?", String::as_str)
}

/// The colour of a class, the same in every image and chart: Okabe and Ito's eight (2008), told apart by
/// colour-blind eyes too, then even steps of hue at two lightnesses.
pub(crate) fn class_color(label: usize) -> String {
    const OKABE_ITO: [&str; 8] =
        ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8a8a8a"];
    match OKABE_ITO.get(label) {
        Some(colour) => (*colour).to_owned(),
        None => {
            let beyond = label - OKABE_ITO.len();
            // The golden angle keeps neighbours apart, however many there are.
            format!(
                "hsl({:.0} 55% {}%)",
                (beyond as f64 * 137.508) % 360.0,
                if beyond.is_multiple_of(2) { 45 } else { 65 }
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_classes_stay_apart() {
        let colours: std::collections::BTreeSet<String> = (0..100).map(class_color).collect();
        assert!(colours.len() > 95, "{}", colours.len());
    }
}
