//! Drawing on canvases: lanes and timelines. Takes plain models and a width in pixels, and reads its colours from the
//! stylesheet, so that themes and forced colours hold here, too. What is drawn is said in words elsewhere on the page.

use std::cell::Cell;
use std::sync::Arc;

use leptos::prelude::window;
use leptos::wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::history::{Lane, LaneSpan, MarkKind, SpanKind, Timeline};
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
    /// The tab's own are dimmer.
    own: Arc<Ink>,
}

impl Look {
    /// As this canvas has it, which is not the tab's own; `None` where it is not on screen.
    pub fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let (width, height) = (
            f64::from(canvas.client_width()),
            f64::from(canvas.client_height()),
        );
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let ink = Ink::of(canvas)?;
        let own = Ink {
            change: ink.line.clone(),
            ..ink.clone()
        };
        Some(Self {
            width,
            height,
            scale: scale(),
            ink: Arc::new(ink),
            own: Arc::new(own),
        })
    }
}

fn scale() -> f64 {
    window().device_pixel_ratio().clamp(1.0, 3.0)
}

/// What is wrong, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trouble {
    /// With the machine of the lane.
    pub own: Option<(Health, Seen)>,
    /// With any machine.
    pub first: Option<Seen>,
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
        Self::cleared(canvas, (width, height, scale()), ink)
    }

    /// Cleared, and as all lanes of its list look.
    pub fn alike(canvas: &HtmlCanvasElement, look: &Look, is_own: bool) -> Option<Self> {
        let ink = if is_own { &look.own } else { &look.ink };
        let size = (look.width, look.height, look.scale);
        Self::cleared(canvas, size, Arc::clone(ink))
    }

    fn cleared(
        canvas: &HtmlCanvasElement,
        (width, height, scale): (f64, f64, f64),
        ink: Arc<Ink>,
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
        context
            .set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0)
            .ok()?;
        context.clear_rect(0.0, 0.0, width + 1.0, height + 1.0);
        Some(Self {
            context,
            width,
            height,
            ink,
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

    /// One machine's lane.
    pub fn lane(&self, lane: &Lane, stage: &Stage, trouble: &Trouble) {
        let middle = (self.height / 2.0).floor();
        self.fill(&self.ink.line, (0.0, middle, self.width, 1.0));
        // One colour after another; crosses are one path.
        let of = |kind: SpanKind| lane.spans.iter().filter(move |span| span.kind == kind);
        let is_counted = |span: &&LaneSpan| COUNTED.contains(&span.kind);
        for span in lane.spans.iter().filter(|span| !is_counted(span)) {
            self.span(span, stage, middle);
        }
        for span in of(SpanKind::Changes) {
            self.span(span, stage, middle);
        }
        self.crosses(
            of(SpanKind::Cancels).map(|span| self.x(stage, span.from)),
            middle,
        );
        for span in of(SpanKind::Errors) {
            self.span(span, stage, middle);
        }
        for mark in &lane.marks {
            let x = self.x(stage, mark.at).floor();
            match mark.kind {
                MarkKind::Restart(_) => {
                    self.fill(&self.ink.change, (x - 2.0, 2.0, 1.0, self.height - 4.0));
                    self.fill(&self.ink.change, (x + 1.0, 2.0, 1.0, self.height - 4.0));
                }
                // What came before is not known.
                MarkKind::Known => self.context.clear_rect(0.0, 0.0, x, self.height),
                MarkKind::Schema | MarkKind::Fidelity(_) => {}
            }
        }
        if let Some((health, since)) = trouble.own {
            let until = stage.cursor.unwrap_or(stage.to);
            self.trouble(health, self.x(stage, since), self.x(stage, until));
        }
        // What came after the moment looked at is there, but not what is shown.
        if let Some(at) = stage.cursor.filter(|at| *at < stage.to) {
            let x = self.x(stage, at);
            self.context.save();
            let _ = self
                .context
                .set_global_composite_operation("destination-out");
            self.fill("rgb(0 0 0 / .6)", (x, 0.0, self.width - x, self.height));
            self.restore();
        }
        let first = trouble
            .first
            .filter(|at| stage.from <= *at && *at <= stage.to);
        if let Some(at) = first {
            self.dashes(&self.ink.error, self.x(stage, at).floor());
        }
        self.cursor(stage);
    }

    /// How the machine is since then: solid red, hollow amber, dotted amber.
    fn trouble(&self, health: Health, from: f64, to: f64) {
        let (top, height) = ((self.height / 2.0).floor() - 2.0, 5.0);
        let width = (to - from).max(2.0);
        match health {
            Health::Error => self.fill(&self.ink.error, (from, top, width, height)),
            Health::NotReady => self.outline(&self.ink.warn, (from.floor(), top, width, height)),
            Health::Quiet => {
                let mut x = from;
                while x < to {
                    self.fill(&self.ink.warn, (x.floor(), top + 2.0, 2.0, 2.0));
                    x += DOTS;
                }
            }
            Health::Gone | Health::Stale | Health::Starting | Health::Ok => {}
        }
    }

    /// A line from top to bottom, through all lanes as one.
    fn dashes(&self, color: &str, x: f64) {
        let mut y = 0.0;
        while y < self.height {
            self.fill(color, (x, y, 1.0, 3.0));
            y += DASHES;
        }
    }

    fn span(&self, span: &LaneSpan, stage: &Stage, middle: f64) {
        let (from, to) = (self.x(stage, span.from), self.x(stage, span.to));
        let width = (to - from).max(1.0);
        match span.kind {
            SpanKind::Changes => {
                let height = tall(span.height, self.height - 4.0);
                let bar = (from.floor(), middle - (height / 2.0).floor(), 1.0, height);
                self.fill(&self.ink.change, bar);
            }
            SpanKind::Errors => {
                let bar = (from.floor(), 3.0, width.max(2.0).ceil(), self.height - 6.0);
                self.fill(&self.ink.error, bar);
            }
            SpanKind::Cancels => self.crosses(std::iter::once(from), middle),
            SpanKind::Between => {
                let height = tall(span.height, self.height - 6.0).max(4.0);
                let top = (middle - height / 2.0).round();
                self.outline(&self.ink.line, (from.floor(), top, width.max(2.0), height));
            }
            SpanKind::Missing | SpanKind::Silent | SpanKind::Lost | SpanKind::Dropped => {
                self.context.clear_rect(from, 0.0, to - from, self.height);
                self.hatch(from, to, 3.0, self.height - 3.0);
            }
            SpanKind::Gone => self.context.clear_rect(from, 0.0, to - from, self.height),
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

    fn crosses(&self, at: impl Iterator<Item = f64>, middle: f64) {
        let context = &self.context;
        let mut at = at.peekable();
        if at.peek().is_none() {
            return;
        }
        context.begin_path();
        for x in at {
            for (from, to) in [(-2.5, 2.5), (2.5, -2.5)] {
                context.move_to(x - 2.5, middle + from);
                context.line_to(x + 2.5, middle + to);
            }
        }
        self.stroke_with(&self.ink.cancel);
        context.set_line_width(1.2);
        context.stroke();
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
}

/// Heights of marks: twice as much is one step taller.
fn tall(count: u64, most: f64) -> f64 {
    let steps = f64::from(u64::BITS - count.leading_zeros());
    (2.0 + 2.0 * steps).min(most)
}

/// Spans of which there may be one per pixel.
const COUNTED: [SpanKind; 3] = [SpanKind::Changes, SpanKind::Cancels, SpanKind::Errors];
/// Pixels from dot to dot.
const DOTS: f64 = 5.0;
/// Pixels from dash to dash.
const DASHES: f64 = 5.0;
/// Pixels between the lines of a hatch.
const HATCH: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::tall;

    #[test]
    fn more_is_taller_up_to_the_row() {
        let heights = [1, 2, 3, 4, 1_000, u64::MAX].map(|count| tall(count, 15.0));
        assert_eq!(heights, [4.0, 6.0, 6.0, 8.0, 15.0, 15.0]);
    }
}
