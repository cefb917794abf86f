//! plotters' drawing, said as [`Commands`].
//!
//! Its pixels are [`UNITS_PER_PX`]ths of a device pixel: plotters works in whole pixels, and this way a line drawn by
//! it still lies between them. Text is measured by the canvas, never by the document.

use std::convert::Infallible;
use std::rc::Rc;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::commands::{Align, Commands, Ink, UNITS_PER_PX};
use super::palette::Rgb;

/// Width of a text in device pixels, from the text and the size of its letters in device pixels.
pub type Measure = Rc<dyn Fn(&str, f64) -> f64>;

type Done = Result<(), DrawingErrorKind<Infallible>>;

/// A plotters backend that draws nothing and says everything.
pub struct CommandBackend {
    commands: Commands,
    size: (u32, u32),
    measure: Measure,
}

impl CommandBackend {
    /// A backend of no size yet.
    #[must_use]
    pub fn new(measure: Measure) -> Self {
        Self { commands: Commands::default(), size: (0, 0), measure }
    }

    /// The list that is being made.
    pub fn commands(&mut self) -> &mut Commands {
        &mut self.commands
    }

    /// Goes over to the canvas `target`, of the given size in device pixels.
    pub fn target(&mut self, target: usize, width_px: i32, height_px: i32) {
        let units = |px: i32| (px.max(0) * UNITS_PER_PX) as u32;
        self.size = (units(width_px), units(height_px));
        self.commands.target(target);
    }

    /// Width of a text in device pixels.
    #[must_use]
    pub fn text_width_px(&self, text: &str, size_px: f64) -> f64 {
        (self.measure)(text, size_px)
    }
}

impl DrawingBackend for CommandBackend {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    /// Nothing: who owns the backend plays the commands when the frame is complete.
    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Done {
        self.commands.rect(ink(color), x, y, 1, 1);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Done {
        if fill {
            self.commands.rect(ink(style.color()), left, top, right - left, bottom - top);
            return Ok(());
        }
        self.draw_path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Done {
        self.commands.line(ink(style.color()), style.stroke_width() as i32, path.into_iter());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Done {
        if fill {
            self.commands.disc(ink(style.color()), x, y, radius as i32);
            return Ok(());
        }
        /// Enough corners for a mark that is a few pixels wide.
        const N_CORNERS: i32 = 24;
        let corner = |n: i32| {
            let (sin, cos) = (f64::from(n) / f64::from(N_CORNERS) * std::f64::consts::TAU).sin_cos();
            let radius = f64::from(radius);
            (x + (cos * radius).round() as i32, y + (sin * radius).round() as i32)
        };
        self.draw_path((0..=N_CORNERS).map(corner), style)
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Done {
        self.commands.polygon(ink(style.color()), vert.into_iter());
        Ok(())
    }

    /// Texts are not turned: no chart here has one that is.
    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Done {
        let align = match style.anchor().h_pos {
            HPos::Left => Align::Start,
            HPos::Center => Align::Center,
            HPos::Right => Align::End,
        };
        let size = style.size().round() as i32;
        let middle = match style.anchor().v_pos {
            VPos::Top => y + size / 2,
            VPos::Center => y,
            VPos::Bottom => y - size / 2,
        };
        self.commands.text(ink(style.color()), x, middle, align, size, text);
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let units = f64::from(UNITS_PER_PX);
        let width = self.text_width_px(text, style.size() / units) * units;
        Ok((width.ceil() as u32, style.size().ceil() as u32))
    }
}

fn ink(color: BackendColor) -> Ink {
    let (r, g, b) = color.rgb;
    Ink { rgb: Rgb(r, g, b), alpha: (color.alpha.clamp(0.0, 1.0) * 255.0).round() as u8 }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use plotters::prelude::*;

    use super::*;

    fn backend() -> CommandBackend {
        CommandBackend::new(Rc::new(|text, size_px| text.len() as f64 * size_px / 2.0))
    }

    #[test]
    fn plotters_draws_on_it() {
        let shared = Rc::new(RefCell::new(backend()));
        shared.borrow_mut().target(1, 100, 50);
        let area = DrawingArea::<CommandBackend, _>::from(&shared);
        assert_eq!(area.dim_in_pixel(), (1600, 800));
        area.draw(&PathElement::new(vec![(0, 8), (1600, 8)], Color::stroke_width(&BLACK, 16)))
            .expect("infallible");
        let font = ("sans-serif", 176.0).into_font().color(&BLACK);
        area.draw(&Text::new("7", (32, 64), font)).expect("infallible");
        drop(area);
        let words = shared.borrow_mut().commands().words().to_vec();
        assert_eq!(words[..9], [0, 1, 4, 0xff, 16, 5, 2, 0, 8]);
        assert_eq!(words[11..], [6, 10, 0xff, 32, 64 + 88, 0, 176, 1, 0x37]);
    }

    #[test]
    fn text_is_measured_by_who_draws_it() {
        let font = ("sans-serif", 160.0).into_font();
        let style = TextStyle::from(font);
        assert_eq!(backend().estimate_text_size("1234", &style).expect("infallible"), (320, 160));
    }
}
