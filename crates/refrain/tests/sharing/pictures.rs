//! Pictures: a layer that several models share is drawn once, and nothing crosses a title out.

use refrain::{Model, Result};

use crate::models::MODELS;

/// The widest of the usual fonts, as the picture assumes.
const CHARACTER_WIDTH: f64 = 7.3;

#[test]
fn a_layer_is_drawn_once_with_its_calls_numbered() -> Result<()> {
    let model = MODELS[0].1()?; // a layer in a nested model and around it
    let dot = model.to_dot();
    assert_eq!(dot.matches("(Dense)").count(), 3, "{dot}");
    for call in ["call 1", "call 2"] {
        assert_eq!(dot.matches(call).count(), 1, "{dot}");
        // Once light below, once dark.
        assert_eq!(model.to_svg().matches(call).count(), 2);
    }
    for (name, make) in MODELS {
        let svg = make()?.to_svg();
        let titles = titles(&svg);
        let mut boxes: Vec<&str> = titles.iter().map(|t| t.text.as_str()).collect();
        boxes.retain(|t| !t.ends_with("(InputLayer)"));
        let count = boxes.len();
        boxes.sort_unstable();
        boxes.dedup();
        assert!(
            name == "equal_names" || boxes.len() == count,
            "{name}: {boxes:?}"
        );
        assert!(!svg.contains("paint-order"), "not known to all viewers");
    }
    Ok(())
}

#[test]
fn no_arrow_crosses_a_title() -> Result<()> {
    for (name, make) in MODELS {
        let svg = make()?.to_svg();
        let titles = titles(&svg);
        let arrows = arrows(&svg);
        assert!(!arrows.is_empty() && !titles.is_empty());
        for title in &titles {
            let crossed = arrows.iter().flatten().any(|&point| title.covers(point));
            assert!(!crossed, "{name}: an arrow crosses `{}`", title.text);
        }
    }
    Ok(())
}

#[test]
fn a_nested_model_with_a_long_name_has_room_beside_it() -> Result<()> {
    use refrain::layers::Dense;
    let (x, y) = (refrain::input([4]), refrain::input([4]));
    let dense = Dense::new(2).name("d").call(&x)?;
    let inner = Model::with_name("a_name_that_is_longer_than_all_that_is_inside", &x, &dense)?;
    let svg = Model::new(&y, &inner.call(&y)?)?.to_svg();
    let arrows = arrows(&svg);
    let crossed = |title: &Title| arrows.iter().flatten().any(|&point| title.covers(point));
    assert!(!titles(&svg).iter().any(crossed), "{svg}");
    Ok(())
}

struct Title {
    text: String,
    left: f64,
    right: f64,
    baseline: f64,
}

impl Title {
    fn covers(&self, (x, y): (f64, f64)) -> bool {
        (self.left..self.right).contains(&x)
            && (self.baseline - 10.0..self.baseline + 3.0).contains(&y)
    }
}

fn number(text: &str, key: &str) -> f64 {
    let rest = text.split(&format!(" {key}=\"")).nth(1).expect(key);
    let value = rest.split('"').next().expect("a value");
    value.parse().expect("a number")
}

fn titles(svg: &str) -> Vec<Title> {
    let lines = svg.lines().filter(|l| l.starts_with("<text class=\"t\""));
    lines
        .map(|line| {
            let text = line.split(['>', '<']).nth(2).expect("a text").to_owned();
            let width = text.chars().count() as f64 * CHARACTER_WIDTH;
            let x = number(line, "x");
            let left = if line.contains("middle") {
                x - width / 2.0
            } else {
                x
            };
            Title {
                left,
                right: left + width,
                baseline: number(line, "y"),
                text,
            }
        })
        .collect()
}

/// Points along each arrow.
fn arrows(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let paths = svg.lines().filter(|l| l.starts_with("<path d=\""));
    paths
        .map(|l| points(l.split('"').nth(1).expect("a path")))
        .collect()
}

fn points(path: &str) -> Vec<(f64, f64)> {
    const PARTS: usize = 40;
    let mut at = (0.0, 0.0);
    let mut points = Vec::new();
    for (start, _) in path.match_indices(['M', 'C', 'L']) {
        let rest = &path[start + 1..];
        let end = rest.find(['M', 'C', 'L']).unwrap_or(rest.len());
        let numbers = rest[..end].split_whitespace();
        let numbers: Vec<f64> = numbers.map(|n| n.parse().expect("a number")).collect();
        let [.., x, y] = numbers[..] else {
            panic!("{path}")
        };
        let bends = match numbers[..] {
            [a, b, c, d, _, _] => [(a, b), (c, d)],
            _ => [at, (x, y)],
        };
        for i in (0..=PARTS).filter(|_| &path[start..start + 1] != "M") {
            let t = i as f64 / PARTS as f64;
            let weights = [
                (1.0 - t).powi(3),
                3.0 * t * (1.0 - t).powi(2),
                3.0 * t * t * (1.0 - t),
                t.powi(3),
            ];
            let corners = [at, bends[0], bends[1], (x, y)];
            let sum = |f: fn(&(f64, f64)) -> f64| {
                corners.iter().zip(weights).map(|(c, w)| f(c) * w).sum()
            };
            points.push((sum(|c| c.0), sum(|c| c.1)));
        }
        at = (x, y);
    }
    points
}
