//! What is drawn: plants, persons, dogs and cats, and what stands behind them.

use crate::canvas::{Figure, Paint, Rgb, Shape, Xy, hsv};
use crate::dice::Dice;

/// Hues that a plant's leaves may have, degrees.
const GREEN: (f32, f32) = (85.0, 140.0);

/// A colour that is not green; backgrounds and clothes draw from it.
fn any_colour_but_green(dice: &mut Dice) -> Rgb {
    // From yellow-orange backwards over red, purple and blue to cyan-blue.
    let hue = dice.between(190.0, 410.0);
    hsv(hue, dice.between(0.1, 0.85), dice.between(0.2, 0.95))
}

fn green(dice: &mut Dice) -> Rgb {
    hsv(dice.between(GREEN.0, GREEN.1), dice.between(0.5, 0.9), dice.between(0.3, 0.75))
}

fn textured(one: Rgb, other: Rgb, dice: &mut Dice) -> Paint {
    match dice.pick(4) {
        0 => Paint::Stripes(one, other, dice.between(1.5, 5.0), dice.between(-0.6, 0.6)),
        1 => Paint::Spots(one, other, dice.between(0.05, 0.16), dice.between(0.0, 6.0)),
        _ => Paint::Plain(one),
    }
}

fn darker(colour: Rgb, factor: f32) -> Rgb {
    colour.map(|value| value * factor)
}

fn coat(dice: &mut Dice) -> Paint {
    let base = match dice.pick(5) {
        0 => hsv(dice.between(18.0, 35.0), dice.between(0.45, 0.8), dice.between(0.5, 0.9)),
        1 => hsv(25.0, dice.between(0.4, 0.7), dice.between(0.25, 0.5)),
        2 => [dice.between(0.08, 0.25); 3],
        3 => [dice.between(0.75, 0.95); 3],
        _ => [dice.between(0.35, 0.6); 3],
    };
    let factor = dice.between(0.55, 0.8);
    textured(base, darker(base, factor), dice)
}

/// Wall and floor, or sky and ground, or a pattern; never green.
pub(crate) fn background(dice: &mut Dice) -> Figure {
    let (one, other) = (any_colour_but_green(dice), any_colour_but_green(dice));
    let everything = || Shape::Polygon(vec![(-2.0, -2.0), (2.0, -2.0), (2.0, 2.0), (-2.0, 2.0)]);
    let close: Rgb = std::array::from_fn(|at| one[at] * 0.75 + other[at] * 0.25);
    let mut figure = vec![(everything(), textured(one, close, dice))];
    if dice.chance(0.6) {
        let horizon = dice.between(0.1, 0.7);
        let slant = dice.between(-0.12, 0.12);
        let ground = vec![(-2.0, horizon - slant), (2.0, horizon + slant), (2.0, 2.0), (-2.0, 2.0)];
        let shade = darker(other, dice.between(0.7, 0.95));
        figure.push((Shape::Polygon(ground), textured(other, shade, dice)));
    }
    for _ in 0..dice.pick(4) {
        // Something that stands about.
        let (x, y, size) = (dice.between(-1.0, 1.0), dice.between(-1.0, 1.0), dice.between(0.1, 0.4));
        let colour = any_colour_but_green(dice);
        let thing = if dice.chance(0.5) {
            Shape::Ellipse((x, y), (size, size * dice.between(0.4, 1.0)), 0.0)
        } else {
            let h = size * dice.between(0.5, 1.5);
            Shape::Polygon(vec![(x - size, y - h), (x + size, y - h), (x + size, y + h), (x - size, y + h)])
        };
        figure.push((thing, Paint::Plain(colour)));
    }
    figure
}

fn eyes(figure: &mut Figure, at: &[Xy], size: f32, dice: &mut Dice) {
    let iris = hsv(dice.between(30.0, 60.0), 0.6, 0.9);
    for &place in at {
        figure.push((Shape::Ellipse(place, (size, size), 0.0), Paint::Plain(iris)));
        figure.push((Shape::Ellipse(place, (size * 0.45, size * 0.85), 0.0), Paint::Plain([0.05; 3])));
    }
}

/// A cat that sits and looks at us: upright, pointed ears, whiskers, a tail round its side.
pub(crate) fn cat(dice: &mut Dice) -> Figure {
    let fur = coat(dice);
    let edge = Paint::Plain(darker(fur.main(), 0.7));
    let (wide, head) = (dice.between(0.34, 0.46), dice.between(0.30, 0.37));
    let tip = dice.between(0.75, 1.0);
    let top = -0.42;
    let mut figure = vec![
        (Shape::Line((wide * 0.7, 0.8), (0.75, 0.55), 0.16), fur),
        (Shape::Line((0.75, 0.55), (dice.between(0.65, 0.85), dice.between(-0.1, 0.2)), 0.14), fur),
        (Shape::Ellipse((0.0, 0.42), (wide, 0.52), 0.0), fur),
        (Shape::Ellipse((-0.2, 0.86), (0.17, 0.12), 0.0), edge),
        (Shape::Ellipse((0.2, 0.86), (0.17, 0.12), 0.0), edge),
    ];
    for side in [-1.0_f32, 1.0] {
        let ear = vec![
            (side * head * 0.95, top - 0.05),
            (side * head * 0.85, top - head * 1.45 * tip),
            (side * head * 0.15, top - head * 0.8),
        ];
        figure.push((Shape::Polygon(ear), fur));
        let inner = vec![
            (side * head * 0.78, top - 0.15),
            (side * head * 0.76, top - head * 1.15 * tip),
            (side * head * 0.4, top - head * 0.8),
        ];
        figure.push((Shape::Polygon(inner), Paint::Plain([0.85, 0.6, 0.6])));
    }
    figure.push((Shape::Ellipse((0.0, top), (head, head * 0.9), 0.0), fur));
    eyes(&mut figure, &[(-head * 0.42, top - 0.04), (head * 0.42, top - 0.04)], 0.075, dice);
    let nose = vec![(-0.06, top + 0.1), (0.06, top + 0.1), (0.0, top + 0.17)];
    figure.push((Shape::Polygon(nose), Paint::Plain([0.8, 0.45, 0.45])));
    let whisker = if fur.main().iter().sum::<f32>() > 1.4 { [0.1; 3] } else { [0.9; 3] };
    for side in [-1.0, 1.0] {
        for drop in [-0.02, 0.1] {
            let line = Shape::Line((side * 0.1, top + 0.15), (side * (head + 0.2), top + 0.13 + drop), 0.025);
            figure.push((line, Paint::Plain(whisker)));
        }
    }
    figure
}

/// A dog that stands, seen from its side: long body, four legs, muzzle, hanging ears.
pub(crate) fn dog(dice: &mut Dice) -> Figure {
    let fur = coat(dice);
    let dark = Paint::Plain(darker(fur.main(), 0.6));
    let legs = dice.between(0.35, 0.55);
    let body = dice.between(0.2, 0.3);
    let mut figure = vec![(Shape::Line((-0.6, 0.1), (-0.9, dice.between(-0.45, 0.1)), 0.1), fur)];
    for (x, paint) in [(-0.45, dark), (0.35, dark), (-0.58, fur), (0.48, fur)] {
        figure.push((Shape::Line((x, 0.25), (x + dice.between(-0.06, 0.06), 0.3 + legs), 0.13), paint));
    }
    figure.push((Shape::Ellipse((-0.05, 0.18), (0.62, body), 0.0), fur));
    let (x, y) = (0.58, dice.between(-0.38, -0.2));
    figure.push((Shape::Line((0.42, 0.1), (x, y + 0.05), 0.3), fur));
    figure.push((Shape::Ellipse((x, y), (0.26, 0.23), 0.0), fur));
    figure.push((Shape::Ellipse((x + 0.26, y + 0.08), (0.2, 0.11), 8.0), fur));
    figure.push((Shape::Ellipse((x + 0.42, y + 0.05), (0.06, 0.055), 0.0), Paint::Plain([0.05; 3])));
    figure.push((Shape::Ellipse((x - 0.14, y + 0.1), (0.1, dice.between(0.2, 0.3)), 12.0), dark));
    eyes(&mut figure, &[(x + 0.08, y - 0.04)], 0.055, dice);
    if dice.chance(0.5) {
        figure.push((Shape::Line((0.36, 0.02), (0.62, 0.1), 0.07), Paint::Plain(any_colour_but_green(dice))));
    }
    figure
}

/// A person who stands; in green all over where asked for, in any other colour else.
pub(crate) fn person(dice: &mut Dice, in_green: bool) -> (Figure, Rgb) {
    let skin = hsv(dice.between(15.0, 30.0), dice.between(0.25, 0.6), dice.between(0.35, 0.95));
    let cloth = |dice: &mut Dice| if in_green { green(dice) } else { any_colour_but_green(dice) };
    let (coat, trousers) = (cloth(dice), cloth(dice));
    let pattern = textured(coat, darker(coat, 0.8), dice);
    let (shoulders, hip) = (dice.between(0.24, 0.34), dice.between(0.16, 0.24));
    let apart = dice.between(0.08, 0.2);
    let skirt = dice.chance(if in_green { 0.6 } else { 0.35 });
    let mut figure = Figure::new();
    for side in [-1.0, 1.0] {
        let leg = Shape::Line((side * 0.1, 0.25), (side * apart, 0.9), 0.17);
        figure.push((leg, Paint::Plain(if skirt { skin } else { trousers })));
        figure.push((
            Shape::Ellipse((side * (apart + 0.04), 0.94), (0.12, 0.06), 0.0),
            Paint::Plain([0.12; 3]),
        ));
        let hand = (side * dice.between(0.35, 0.6), dice.between(-0.3, 0.3));
        figure.push((Shape::Line((side * shoulders, -0.38), hand, 0.14), Paint::Plain(darker(coat, 0.9))));
        figure.push((Shape::Ellipse(hand, (0.075, 0.075), 0.0), Paint::Plain(skin)));
    }
    let hem = if skirt { (dice.between(0.3, 0.45), dice.between(0.45, 0.7)) } else { (hip, 0.32) };
    let torso = vec![
        (-shoulders, -0.45),
        (shoulders, -0.45),
        (hip, 0.0),
        (hem.0, hem.1),
        (-hem.0, hem.1),
        (-hip, 0.0),
    ];
    figure.push((Shape::Polygon(torso), pattern));
    figure.push((Shape::Line((0.0, -0.5), (0.0, -0.42), 0.14), Paint::Plain(skin)));
    let hair = hsv(dice.between(10.0, 45.0), dice.between(0.3, 0.8), dice.between(0.08, 0.7));
    let length = dice.between(0.18, 0.34);
    figure.push((Shape::Ellipse((0.0, -0.72 + length * 0.2), (0.21, length), 0.0), Paint::Plain(hair)));
    figure.push((Shape::Ellipse((0.0, -0.68), (0.16, 0.19), 0.0), Paint::Plain(skin)));
    for side in [-0.06, 0.06] {
        figure.push((Shape::Ellipse((side, -0.7), (0.025, 0.03), 0.0), Paint::Plain([0.08; 3])));
    }
    figure.push((Shape::Line((-0.05, -0.59), (0.05, -0.59), 0.025), Paint::Plain([0.6, 0.2, 0.2])));
    if in_green || dice.chance(0.4) {
        let hat = if in_green { darker(coat, 0.85) } else { any_colour_but_green(dice) };
        figure.push((Shape::Line((-0.24, -0.84), (0.24, -0.84), 0.06), Paint::Plain(hat)));
        let crown = vec![(-0.15, -0.84), (0.15, -0.84), (0.13, -1.0), (-0.13, -1.0)];
        figure.push((Shape::Polygon(crown), Paint::Plain(hat)));
    }
    (figure, coat)
}

/// A tree, a bush in a pot, a cactus or a flower; its leaves are green.
pub(crate) fn plant(dice: &mut Dice) -> Figure {
    let (leaf, other) = (green(dice), green(dice));
    let paint = textured(leaf, other, dice);
    let bark = Paint::Plain(hsv(25.0, 0.5, dice.between(0.25, 0.5)));
    let mut figure = Figure::new();
    let kind = dice.pick(4);
    if kind != 0 {
        let clay =
            Paint::Plain(hsv(dice.between(5.0, 30.0), dice.between(0.2, 0.7), dice.between(0.35, 0.85)));
        let pot = vec![(-0.34, 0.5), (0.34, 0.5), (0.24, 0.95), (-0.24, 0.95)];
        figure.push((Shape::Polygon(pot), clay));
        figure.push((Shape::Line((-0.36, 0.5), (0.36, 0.5), 0.1), clay));
    }
    match kind {
        0 => {
            figure.push((Shape::Line((0.0, 0.95), (0.0, 0.0), dice.between(0.12, 0.22)), bark));
            for _ in 0..6 + dice.pick(5) {
                let place = (dice.between(-0.45, 0.45), dice.between(-0.75, 0.1));
                let size = dice.between(0.22, 0.4);
                figure.push((Shape::Ellipse(place, (size, size * 0.85), 0.0), paint));
            }
        }
        1 => {
            for at in 0..9 {
                let degrees = (at as f32 - 4.0) * 19.0 + dice.between(-8.0, 8.0);
                let (sin, cos) = degrees.to_radians().sin_cos();
                let long = dice.between(0.45, 0.75);
                let middle = (sin * long * 0.75, 0.45 - cos * long * 0.9);
                let shade =
                    Paint::Plain(darker(if at % 2 == 0 { leaf } else { other }, dice.between(0.8, 1.1)));
                figure.push((Shape::Ellipse(middle, (dice.between(0.09, 0.16), long), degrees), shade));
            }
        }
        2 => {
            let ribs = Paint::Stripes(leaf, darker(leaf, 0.75), 0.01, 900.0);
            let thick = dice.between(0.26, 0.42);
            figure.push((Shape::Line((0.0, 0.45), (0.0, -0.6), thick), ribs));
            for side in [-1.0, 1.0] {
                let (out, low) = (side * dice.between(0.4, 0.6), dice.between(-0.1, 0.25));
                figure.push((Shape::Line((0.0, low), (out, low), 0.2), ribs));
                figure.push((Shape::Line((out, low), (out, low - dice.between(0.25, 0.5)), 0.2), ribs));
            }
        }
        _ => {
            figure
                .push((Shape::Line((0.0, 0.5), (dice.between(-0.1, 0.1), -0.35), 0.09), Paint::Plain(leaf)));
            for side in [-1.0, 1.0] {
                let place = (side * 0.26, dice.between(0.05, 0.3));
                figure.push((Shape::Ellipse(place, (0.3, 0.13), side * -30.0), Paint::Plain(leaf)));
                figure.push((
                    Shape::Ellipse((side * 0.2, 0.42), (0.3, 0.12), side * -15.0),
                    Paint::Plain(other),
                ));
            }
            let petal = Paint::Plain(any_colour_but_green(dice));
            for at in 0..7 {
                let (sin, cos) = (at as f32 * 51.4).to_radians().sin_cos();
                let place = (sin * 0.24, -0.5 - cos * 0.24);
                figure.push((Shape::Ellipse(place, (0.15, 0.15), 0.0), petal));
            }
            figure.push((Shape::Ellipse((0.0, -0.5), (0.14, 0.14), 0.0), Paint::Plain([0.9, 0.75, 0.15])));
        }
    }
    figure
}
