//! `refrain plot`.

use std::path::PathBuf;

use clap::Args;

use super::load::Load;
use crate::failure::Result;
use crate::output::{check_target, target, write_whole};

/// Draw a model: every layer once, an arrow for each call.
#[derive(Args)]
#[command(after_help = "Examples:
  refrain plot model.keras -o model.svg
  refrain plot model.keras -o model.dot && dot -Tpdf model.dot -o model.pdf")]
pub struct Plot {
    /// The model's file.
    model: PathBuf,
    /// The picture: .svg, or .dot for Graphviz.
    #[arg(short, long, value_name = "OUT.svg|OUT.dot", value_parser = target(picture))]
    output: Picture,
    #[command(flatten)]
    load: Load,
}

#[derive(Clone)]
enum Picture {
    Svg(PathBuf),
    Dot(PathBuf),
}

fn picture(path: PathBuf) -> Result<Picture, String> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("svg") => Ok(Picture::Svg(path)),
        Some("dot") => Ok(Picture::Dot(path)),
        _ => Err("expected a name that ends in .svg or .dot".to_owned()),
    }
}

impl Plot {
    pub fn run(self) -> Result<()> {
        let (Picture::Svg(path) | Picture::Dot(path)) = &self.output;
        check_target(path)?;
        let model = self.load.unrun(&self.model)?;
        let text = match self.output {
            Picture::Svg(_) => model.to_svg(),
            Picture::Dot(_) => model.to_dot(),
        };
        write_whole(path, text.as_bytes())
    }
}
