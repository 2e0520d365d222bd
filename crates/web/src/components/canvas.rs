//! Drawing on canvases: lanes and timelines. Takes plain models and a width in pixels, and reads its colours from the
//! stylesheet, so that themes and forced colours hold here, too. What is drawn is said in words elsewhere on the page.

use std::cell::Cell;
use std::sync::Arc;

use leptos::prelude::{document, window};
use leptos::wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::pixels::{Palette, Pixels, Rgba, Trouble};
use crate::history::{Lane, Timeline};
use crate::model::{Health, SIDE, Seen};
use crate::store::time::Stage;

/// A canvas ready to be drawn on, in CSS pixels.
pub struct Sheet {
    context: CanvasRenderingContext2d,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    ink: Arc<Ink>,
    /// The colours set last, by where their names lie: to set one is a text for the browser to read.
    filled: Cell<*const u8>,
    stroked: Cell<*const u8>,
}

/// How large lanes are and in which colours they are drawn: the same for all of a list, and slow to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    width: f64,
    height: f64,
    scale: f64,
    ink: Arc<Ink>,
    palette: Palette,
}

impl Look {
    /// As this canvas has it, which is not the tab's own; `None` where it is not on screen.
    pub fn of(canvas: &HtmlCanvasElement, before: Option<&Self>) -> Option<Self> {
        let (width, height) = (
            f64::from(canvas.client_width()),
            f64::from(canvas.client_height()),
        );
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let ink = Arc::new(Ink::of(canvas)?);
        let palette = match before.filter(|before| before.ink == ink) {
            Some(before) => before.palette,
            None => ink.palette()?,
        };
        Some(Self {
            width,
            height,
            scale: scale(),
            ink,
            palette,
        })
    }

    /// Pixels across.
    pub fn pixels(&self) -> usize {
        self.width as usize
    }

    /// Draws a lane; the tab's own are dimmer.
    pub fn draw(
        &self,
        canvas: &HtmlCanvasElement,
        lane: &Lane,
        stage: &Stage,
        trouble: &Trouble,
        is_own: bool,
    ) {
        let size = (self.width, self.height, self.scale);
        let Some(sheet) = Sheet::sized(canvas, size, &self.ink) else {
            return;
        };
        let mut pixels = Pixels::new(size);
        let palette = Palette {
            change: if is_own {
                self.palette.line
            } else {
                self.palette.change
            },
            ..self.palette
        };
        pixels.lane(lane, stage, trouble, &palette);
        sheet.put(&mut pixels);
    }
}

fn scale() -> f64 {
    window().device_pixel_ratio().clamp(1.0, 3.0)
}

#[derive(Clone, Copy)]
enum Round {
    Full,
    Ring,
    Half,
    Quarter,
    Dashed,
}

/// Colours, from the stylesheet.
#[derive(Clone, Debug, PartialEq)]
struct Ink {
    line: String,
    change: String,
    error: String,
    cancel: String,
    hatch: String,
    accent: String,
    tint: String,
    warn: String,
    ok: String,
}

impl Sheet {
    /// Cleared, as large as it is on screen; `None` where it is not on screen.
    pub fn on(canvas: &HtmlCanvasElement) -> Option<Self> {
        let (width, height) = (
            f64::from(canvas.client_width()),
            f64::from(canvas.client_height()),
        );
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let ink = Arc::new(Ink::of(canvas)?);
        let scale = scale();
        let sheet = Self::sized(canvas, (width, height, scale), &ink)?;
        let context = &sheet.context;
        context
            .set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0)
            .ok()?;
        context.clear_rect(0.0, 0.0, width + 1.0, height + 1.0);
        Some(sheet)
    }

    /// With as many pixels as that needs.
    fn sized(
        canvas: &HtmlCanvasElement,
        (width, height, scale): (f64, f64, f64),
        ink: &Arc<Ink>,
    ) -> Option<Self> {
        let context = canvas.get_context("2d").ok()??;
        let context: CanvasRenderingContext2d = context.unchecked_into();
        let (across, down) = (
            (width * scale).round() as u32,
            (height * scale).round() as u32,
        );
        if (canvas.width(), canvas.height()) != (across, down) {
            canvas.set_width(across);
            canvas.set_height(down);
        }
        Some(Self {
            context,
            width,
            height,
            ink: Arc::clone(ink),
            filled: Cell::new(std::ptr::null()),
            stroked: Cell::new(std::ptr::null()),
        })
    }

    fn x(&self, stage: &Stage, at: Seen) -> f64 {
        stage.share(at).min(1.0) * self.width
    }

    fn fill(&self, color: &str, (x, y, width, height): (f64, f64, f64, f64)) {
        self.fill_with(color);
        self.context.fill_rect(x, y, width, height);
    }

    fn fill_with(&self, color: &str) {
        if self.filled.replace(color.as_ptr()) != color.as_ptr() {
            self.context.set_fill_style_str(color);
        }
    }

    fn stroke_with(&self, color: &str) {
        if self.stroked.replace(color.as_ptr()) != color.as_ptr() {
            self.stroke_with(color);
        }
    }

    /// What was set since it was saved is not set any more.
    fn restore(&self) {
        self.context.restore();
        self.filled.set(std::ptr::null());
        self.stroked.set(std::ptr::null());
    }

    fn outline(&self, color: &str, (x, y, width, height): (f64, f64, f64, f64)) {
        self.stroke_with(color);
        self.context.set_line_width(1.0);
        self.context.stroke_rect(
            x + 0.5,
            y + 0.5,
            (width - 1.0).max(0.0),
            (height - 1.0).max(0.0),
        );
    }

    /// Slanted lines: not known.
    fn hatch(&self, from: f64, to: f64, top: f64, bottom: f64) {
        let context = &self.context;
        context.save();
        context.begin_path();
        context.rect(from, top, to - from, bottom - top);
        context.clip();
        context.begin_path();
        let rise = bottom - top;
        let mut x = (from / HATCH).floor() * HATCH - rise;
        while x < to {
            context.move_to(x, bottom);
            context.line_to(x + rise, top);
            x += HATCH;
        }
        self.stroke_with(&self.ink.hatch);
        context.set_line_width(1.0);
        context.stroke();
        self.restore();
    }

    fn cursor(&self, stage: &Stage) {
        if let Some(at) = stage
            .cursor
            .filter(|at| stage.from <= *at && *at <= stage.to)
        {
            let x = self.x(stage, at);
            self.fill(&self.ink.accent, (x - 1.0, 0.0, 2.0, self.height));
        }
    }

    /// Shows these pixels, from the upper left corner on.
    fn put(&self, pixels: &mut Pixels) {
        let across = u32::try_from(pixels.across).unwrap_or_default();
        // What is empty is no picture.
        if let Ok(image) = ImageData::new_with_u8_clamped_array(Clamped(&pixels.bytes), across) {
            let _ = self.context.put_image_data(&image, 0.0, 0.0);
        }
    }

    /// A machine as a square, with the shape of its health.
    pub fn tile(&self, health: Health, x: f64, y: f64, is_chosen: bool) {
        let ink = &self.ink;
        let (middle, center) = (x + SIDE / 2.0, y + SIDE / 2.0);
        match health {
            Health::Ok => self.round(&ink.ok, (middle, center), 2.5, Round::Full),
            Health::Error => {
                let context = &self.context;
                context.begin_path();
                context.move_to(middle, y);
                context.line_to(x + SIDE, center);
                context.line_to(middle, y + SIDE);
                context.line_to(x, center);
                context.close_path();
                self.fill_with(&ink.error);
                context.fill();
            }
            Health::NotReady => {
                self.round(&ink.warn, (middle, center), 4.5, Round::Ring);
                self.round(&ink.warn, (middle, center), 4.5, Round::Half);
            }
            Health::Quiet => {
                self.fill(&ink.warn, (x + 3.0, y + 2.0, 2.0, 8.0));
                self.fill(&ink.warn, (x + 7.0, y + 2.0, 2.0, 8.0));
            }
            Health::Stale => self.round(&ink.change, (middle, center), 4.5, Round::Dashed),
            Health::Starting => {
                self.round(&ink.change, (middle, center), 4.5, Round::Ring);
                self.round(&ink.change, (middle, center), 4.5, Round::Quarter);
            }
            Health::Gone => {
                self.round(&ink.change, (middle, center), 4.5, Round::Ring);
                self.line(&ink.change, (x + 3.0, y + 9.0), (x + 9.0, y + 3.0));
            }
        }
        if is_chosen {
            self.outline(&ink.accent, (x - 1.0, y - 1.0, SIDE + 2.0, SIDE + 2.0));
        }
    }

    fn line(&self, color: &str, from: (f64, f64), to: (f64, f64)) {
        self.context.begin_path();
        self.context.move_to(from.0, from.1);
        self.context.line_to(to.0, to.1);
        self.stroke_with(color);
        self.context.set_line_width(1.4);
        self.context.stroke();
    }

    fn round(&self, color: &str, (x, y): (f64, f64), radius: f64, how: Round) {
        let context = &self.context;
        let quarter = std::f64::consts::FRAC_PI_2;
        let (from, arcs): (f64, &[(f64, f64)]) = match how {
            Round::Full | Round::Ring => (0.0, &[(0.0, 4.0)]),
            Round::Half => (-quarter, &[(0.0, 2.0)]),
            Round::Quarter => (-quarter, &[(0.0, 1.0)]),
            Round::Dashed => (0.0, &[(0.0, 0.6), (1.0, 1.6), (2.0, 2.6), (3.0, 3.6)]),
        };
        for (begin, end) in arcs {
            context.begin_path();
            if matches!(how, Round::Half | Round::Quarter) {
                context.move_to(x, y);
            }
            // A radius below zero alone fails.
            let _ = context.arc(x, y, radius, from + begin * quarter, from + end * quarter);
            if matches!(how, Round::Ring | Round::Dashed) {
                self.stroke_with(color);
                context.set_line_width(1.4);
                context.stroke();
            } else {
                self.fill_with(color);
                context.fill();
            }
        }
    }

    /// The timeline of the whole mesh.
    pub fn timeline(&self, timeline: &Timeline, stage: &Stage) {
        let base = self.height - 4.0;
        let (from, to) = stage.window;
        let (left, right) = (self.x(stage, from), self.x(stage, to));
        self.fill(
            &self.ink.tint,
            (left, 0.0, (right - left).max(2.0), self.height),
        );
        for (from, to) in &timeline.lost {
            self.hatch(self.x(stage, *from), self.x(stage, *to), 4.0, base);
        }
        let most = timeline.most.max(1) as f64;
        for bar in &timeline.bars {
            let x = self.x(stage, bar.from).floor();
            let end = self.x(stage, Seen(bar.from.0 + timeline.width)).floor();
            let width = (end - x - 1.0).max(1.0);
            let share = (bar.changes as f64 / most).sqrt();
            let height = (share * (base - 4.0)).max(1.0).round();
            self.fill(&self.ink.change, (x, base - height, width, height));
            if bar.errors > 0 {
                self.fill(&self.ink.error, (x, base + 1.0, width, 3.0));
            }
        }
        self.fill(&self.ink.line, (0.0, base, self.width, 1.0));
        self.cursor(stage);
    }
}

impl Ink {
    fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let style = window().get_computed_style(canvas).ok()??;
        let ink = |name: &str| style.get_property_value(name).unwrap_or_default();
        Some(Self {
            line: ink("--lane-line"),
            change: ink("--lane-change"),
            error: ink("--lane-error"),
            cancel: ink("--lane-cancel"),
            hatch: ink("--lane-hatch"),
            accent: ink("--lane-accent"),
            tint: ink("--lane-tint"),
            warn: ink("--lane-warn"),
            ok: ink("--lane-ok"),
        })
    }

    /// What the browser makes of the names.
    fn palette(&self) -> Option<Palette> {
        let canvas = document().create_element("canvas").ok()?;
        let canvas: HtmlCanvasElement = canvas.unchecked_into();
        let context = canvas.get_context("2d").ok()??;
        let context: CanvasRenderingContext2d = context.unchecked_into();
        let names = [
            &self.line,
            &self.change,
            &self.error,
            &self.cancel,
            &self.hatch,
            &self.accent,
            &self.warn,
        ];
        for (x, color) in (0_u8..).zip(names) {
            context.set_fill_style_str(color);
            context.fill_rect(f64::from(x), 0.0, 1.0, 1.0);
        }
        let image = context
            .get_image_data(0.0, 0.0, names.len() as f64, 1.0)
            .ok()?;
        let image = image.data().0;
        let mut colors = image.chunks_exact(4).map(Rgba::try_from);
        let mut next = || colors.next()?.ok();
        Some(Palette {
            line: next()?,
            change: next()?,
            error: next()?,
            cancel: next()?,
            hatch: next()?,
            accent: next()?,
            warn: next()?,
        })
    }
}

/// Pixels between the lines of a hatch.
const HATCH: f64 = 5.0;
