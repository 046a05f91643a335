//! Links as they are handed out: at which addresses, and as a QR code for a phone's camera.

use super::{Access, Address};
use crate::domain::access::with_key;
use crate::web::host::is_loopback;
use crate::web::{Error, Result};
use qrcode::QrCode;
use qrcode::render::svg::Color;

impl Access {
    /// Refuses to make a link that would lead nowhere.
    pub fn check_reachable(&self) -> Result<()> {
        if !self.is_local() {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "Only this computer reaches this server, so a link to it would work nowhere else. Start it with “{}”, then share.",
            self.command_to_share(None)
        )))
    }

    /// The command that starts the server so that others reach it.
    pub fn command_to_share(&self, data: Option<&str>) -> String {
        let data = data.map(|data| format!(" --data {data}")).unwrap_or_default();
        format!("tintype serve{data} --address 0.0.0.0:{}", self.port())
    }

    /// The addresses to hand out. `came_by`: the one by which whoever asks came, which comes first where it is no loopback's; those
    /// that nobody else reaches are then left out.
    pub async fn addresses_for(&self, came_by: Option<String>) -> Vec<Address> {
        let mut found = self.list_addresses().await;
        let Some(url) = came_by.filter(|url| !is_own(url)) else { return found };
        let address = match found.iter().position(|address| address.url == url) {
            Some(at) => found.remove(at),
            None => Address { url, interface: "by name".to_owned() },
        };
        found.retain(|address| !is_own(&address.url));
        found.insert(0, address);
        found
    }
}

/// Whether only this machine reaches itself there.
fn is_own(url: &str) -> bool {
    is_loopback(url.split_once("://").map_or(url, |(_, host)| host))
}

/// A link to a view at each address.
pub fn links(addresses: &[Address], view: &str, key: &str) -> Vec<String> {
    addresses.iter().map(|address| format!("{}{}", address.url, with_key(view, key))).collect()
}

/// A link as a QR code: SVG, dark on white whatever the page is, since a camera reads it.
pub fn qr_code(link: &str) -> Option<String> {
    let code = QrCode::new(link.as_bytes()).ok()?;
    let svg =
        code.render().min_dimensions(220, 220).dark_color(Color("#000")).light_color(Color("#fff")).build();
    svg.find("<svg").map(|at| svg[at..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_its_view_at_each_address() {
        let address = |url: &str| Address { url: url.into(), interface: String::new() };
        let addresses = [address("http://192.0.2.5:8431"), address("http://mill:8431")];
        assert_eq!(
            links(&addresses, "/runs/3?split=val", "abc"),
            ["http://192.0.2.5:8431/runs/3?split=val&key=abc", "http://mill:8431/runs/3?split=val&key=abc"]
        );
    }

    #[test]
    fn the_code_is_whole_and_runs_nothing() {
        let svg = qr_code("http://192.0.2.5:8431/runs/3?key=abc").unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("script"), "{svg}");
    }

    #[tokio::test]
    async fn the_address_that_somebody_came_by_is_handed_out_first() {
        let access = Access::new("192.0.2.5:8431".parse().unwrap(), Some("own"));
        let first = async |url: &str| access.addresses_for(Some(url.to_owned())).await.remove(0).url;
        assert_eq!(access.addresses_for(None).await[0].url, "http://192.0.2.5:8431");
        assert_eq!(first("http://mill:8431").await, "http://mill:8431");
        assert_eq!(first("https://photos.example").await, "https://photos.example");
        for own in ["localhost:8431", "LOCALHOST", "localhost.:8431", "127.0.0.1:8431", "[::1]:8431", "[::1]"]
        {
            assert_eq!(first(&format!("http://{own}")).await, "http://192.0.2.5:8431", "{own}");
        }
        assert_eq!(access.addresses_for(Some("http://192.0.2.5:8431".into())).await.len(), 1);
        let behind_proxy = Access::new("127.0.0.1:8431".parse().unwrap(), Some("own"));
        let found = behind_proxy.addresses_for(Some("https://photos.example".into())).await;
        assert_eq!(found.len(), 1, "nobody else reaches the loopback address: {found:?}");
    }
}
