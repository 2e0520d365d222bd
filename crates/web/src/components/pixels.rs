//! Lanes as pixels: there are many on screen, each with as many marks as pixels, and to have a browser draw each mark by
//! itself takes longer than a frame. Plain Rust; `canvas` puts what comes out into the document.

use crate::history::{Lane, LaneSpan, MarkKind, SpanKind};
use crate::model::{Health, Seen};
use crate::store::time::Stage;

/// Red, green, blue and opacity.
pub type Rgba = [u8; 4];

/// What is wrong, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trouble {
    /// With the machine of the lane.
    pub own: Option<(Health, Seen)>,
    /// With any machine.
    pub first: Option<Seen>,
}

/// Colours of lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// Base line, and boxes.
    pub line: Rgba,
    /// Changes.
    pub change: Rgba,
    /// Errors.
    pub error: Rgba,
    /// Canceled transitions.
    pub cancel: Rgba,
    /// What is not known.
    pub hatch: Rgba,
    /// The moment looked at.
    pub accent: Rgba,
    /// Not ready, quiet.
    pub warn: Rgba,
}

/// A picture of which the units are CSS pixels.
pub struct Pixels {
    /// Red, green, blue, opacity of each pixel, row by row.
    pub bytes: Vec<u8>,
    /// Pixels in a row.
    pub across: usize,
    down: usize,
    scale: f64,
    width: f64,
    height: f64,
}

impl Pixels {
    /// An empty picture of this size, at so many pixels for each of CSS.
    #[must_use]
    pub fn new((width, height, scale): (f64, f64, f64)) -> Self {
        let (across, down) = (
            (width * scale).round() as usize,
            (height * scale).round() as usize,
        );
        Self {
            bytes: vec![0; 4 * across * down],
            across,
            down,
            scale,
            width,
            height,
        }
    }

    /// One machine's lane.
    pub fn lane(&mut self, lane: &Lane, stage: &Stage, trouble: &Trouble, ink: &Palette) {
        let (height, middle) = (self.height, (self.height / 2.0).floor());
        self.fill(ink.line, (0.0, middle, self.width, 1.0));
        for span in &lane.spans {
            self.span(span, stage, middle, ink);
        }
        for mark in &lane.marks {
            let x = self.x(stage, mark.at).floor();
            match mark.kind {
                MarkKind::Restart(_) => {
                    self.fill(ink.change, (x - 2.0, 2.0, 1.0, height - 4.0));
                    self.fill(ink.change, (x + 1.0, 2.0, 1.0, height - 4.0));
                }
                // What came before is not known.
                MarkKind::Known => self.clear(0.0, x),
                MarkKind::Schema | MarkKind::Fidelity(_) => {}
            }
        }
        if let Some((health, since)) = trouble.own {
            let until = stage.cursor.unwrap_or(stage.to);
            self.trouble(health, self.x(stage, since), self.x(stage, until), ink);
        }
        // What came after the moment looked at is there, but not what is shown.
        if let Some(at) = stage.cursor.filter(|at| *at < stage.to) {
            self.fade(self.x(stage, at));
        }
        let is_seen = |at: &Seen| stage.from <= *at && *at <= stage.to;
        if let Some(at) = trouble.first.filter(is_seen) {
            // A line from top to bottom, through all lanes as one.
            let (x, mut y) = (self.x(stage, at).floor(), 0.0);
            while y < height {
                self.fill(ink.error, (x, y, 1.0, 3.0));
                y += DASHES;
            }
        }
        if let Some(at) = stage.cursor.filter(is_seen) {
            let x = self.x(stage, at);
            self.fill(ink.accent, (x - 1.0, 0.0, 2.0, height));
        }
    }

    fn x(&self, stage: &Stage, at: Seen) -> f64 {
        stage.share(at).min(1.0) * self.width
    }

    fn span(&mut self, span: &LaneSpan, stage: &Stage, middle: f64, ink: &Palette) {
        let (from, to) = (self.x(stage, span.from), self.x(stage, span.to));
        let (width, all) = ((to - from).max(1.0), self.height);
        match span.kind {
            SpanKind::Changes => {
                let height = tall(span.height, all - 4.0);
                let top = middle - (height / 2.0).floor();
                self.fill(ink.change, (from.floor(), top, 1.0, height));
            }
            SpanKind::Errors => {
                let bar = (from.floor(), 3.0, width.max(2.0).ceil(), all - 6.0);
                self.fill(ink.error, bar);
            }
            SpanKind::Cancels => self.cross(ink.cancel, from, middle),
            SpanKind::Between => {
                let height = tall(span.height, all - 6.0).max(4.0);
                let top = (middle - height / 2.0).round();
                self.outline(ink.line, (from.floor(), top, width.max(2.0), height));
            }
            SpanKind::Missing | SpanKind::Silent | SpanKind::Lost | SpanKind::Dropped => {
                self.clear(from, to);
                self.hatch(ink.hatch, from, to);
            }
            SpanKind::Gone => self.clear(from, to),
        }
    }

    /// How the machine is since then: solid red, hollow amber, dotted amber.
    fn trouble(&mut self, health: Health, from: f64, to: f64, ink: &Palette) {
        let (top, height) = ((self.height / 2.0).floor() - 2.0, 5.0);
        let width = (to - from).max(2.0);
        match health {
            Health::Error => self.fill(ink.error, (from, top, width, height)),
            Health::NotReady => self.outline(ink.warn, (from.floor(), top, width, height)),
            Health::Quiet => {
                let mut x = from;
                while x < to {
                    self.fill(ink.warn, (x.floor(), top + 2.0, 2.0, 2.0));
                    x += DOTS;
                }
            }
            Health::Gone | Health::Stale | Health::Starting | Health::Ok => {}
        }
    }

    /// Whole pixels of a stretch.
    fn pixels(&self, from: f64, length: f64, most: usize) -> (usize, usize) {
        let at = |x: f64| ((x * self.scale).round().max(0.0) as usize).min(most);
        (at(from), at(from + length.max(0.0)))
    }

    fn fill(&mut self, color: Rgba, (x, y, width, height): (f64, f64, f64, f64)) {
        let (left, right) = self.pixels(x, width, self.across);
        let (top, bottom) = self.pixels(y, height, self.down);
        for row in top..bottom {
            let start = 4 * (row * self.across + left);
            let end = 4 * (row * self.across + right);
            for pixel in self.bytes[start..end].chunks_exact_mut(4) {
                if color[3] == u8::MAX {
                    pixel.copy_from_slice(&color);
                } else {
                    blend(pixel, color, 1.0);
                }
            }
        }
    }

    fn outline(&mut self, color: Rgba, (x, y, width, height): (f64, f64, f64, f64)) {
        self.fill(color, (x, y, width, 1.0));
        self.fill(color, (x, y + height - 1.0, width, 1.0));
        self.fill(color, (x, y + 1.0, 1.0, height - 2.0));
        self.fill(color, (x + width - 1.0, y + 1.0, 1.0, height - 2.0));
    }

    fn clear(&mut self, from: f64, to: f64) {
        let (left, right) = self.pixels(from, to - from, self.across);
        for row in self.bytes.chunks_exact_mut(4 * self.across) {
            row[4 * left..4 * right].fill(0);
        }
    }

    /// What is to the right is paler.
    fn fade(&mut self, from: f64) {
        let (left, _) = self.pixels(from, 0.0, self.across);
        for row in self.bytes.chunks_exact_mut(4 * self.across) {
            for pixel in row[4 * left..].chunks_exact_mut(4) {
                pixel[3] = (u16::from(pixel[3]) * 2 / 5) as u8;
            }
        }
    }

    /// Slanted lines: not known.
    fn hatch(&mut self, color: Rgba, from: f64, to: f64) {
        let (left, right) = self.pixels(from, to - from, self.across);
        let (top, bottom) = self.pixels(3.0, self.height - 6.0, self.down);
        for row in top..bottom {
            for column in left..right {
                let along = (column + row) as f64 / self.scale;
                let off = (along % HATCH).min(HATCH - along % HATCH);
                self.dot(color, column, row, off * std::f64::consts::FRAC_1_SQRT_2);
            }
        }
    }

    fn cross(&mut self, color: Rgba, x: f64, middle: f64) {
        let (left, right) = self.pixels(x - ARM - 1.0, 2.0 * ARM + 2.0, self.across);
        let (top, bottom) = self.pixels(middle - ARM - 1.0, 2.0 * ARM + 2.0, self.down);
        for row in top..bottom {
            let down = (row as f64 + 0.5) / self.scale - middle;
            for column in left..right {
                let across = (column as f64 + 0.5) / self.scale - x;
                let out = (down.abs().max(across.abs()) - ARM).max(0.0);
                let off = (down.abs() - across.abs()).abs() * std::f64::consts::FRAC_1_SQRT_2;
                self.dot(color, column, row, off.max(out));
            }
        }
    }

    /// A pixel so far from the middle of a line, in CSS pixels.
    fn dot(&mut self, color: Rgba, column: usize, row: usize, off: f64) {
        let cover = (THICK / 2.0 + 0.5 / self.scale - off) * self.scale;
        if cover > 0.0 {
            let at = 4 * (row * self.across + column);
            blend(&mut self.bytes[at..at + 4], color, cover.min(1.0));
        }
    }
}

/// Lays a colour over a pixel.
fn blend(pixel: &mut [u8], color: Rgba, cover: f64) {
    let over = f64::from(color[3]) / 255.0 * cover;
    let under = f64::from(pixel[3]) / 255.0 * (1.0 - over);
    let all = over + under;
    if all <= 0.0 {
        return;
    }
    for (pixel, color) in pixel[..3].iter_mut().zip(color) {
        let mixed = (f64::from(color) * over + f64::from(*pixel) * under) / all;
        *pixel = mixed.round() as u8;
    }
    pixel[3] = (all * 255.0).round() as u8;
}

/// Heights of marks: twice as much is one step taller.
fn tall(count: u64, most: f64) -> f64 {
    let steps = f64::from(u64::BITS - count.leading_zeros());
    (2.0 + 2.0 * steps).min(most)
}

/// Half of a cross.
const ARM: f64 = 2.5;
/// Lines that slant are so thick.
const THICK: f64 = 1.2;
/// Pixels from dot to dot.
const DOTS: f64 = 5.0;
/// Pixels from dash to dash.
const DASHES: f64 = 5.0;
/// Pixels between the lines of a hatch.
const HATCH: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::LaneMark;

    const INK: Palette = Palette {
        line: [1, 1, 1, 255],
        change: [2, 2, 2, 255],
        error: [3, 3, 3, 255],
        cancel: [4, 4, 4, 255],
        hatch: [5, 5, 5, 255],
        accent: [6, 6, 6, 255],
        warn: [7, 7, 7, 255],
    };

    /// A lane of 20 by 11 pixels, one of them a second, row by row as digits.
    fn drawn(lane: &Lane, cursor: Option<u64>, trouble: &Trouble) -> Vec<String> {
        let mut pixels = Pixels::new((20.0, 11.0, 1.0));
        let stage = Stage {
            from: Seen(0),
            to: Seen(20_000),
            cursor: cursor.map(Seen),
            window: (Seen(0), Seen(20_000)),
        };
        pixels.lane(lane, &stage, trouble, &INK);
        let digit = |pixel: &[u8]| match pixel {
            [color, _, _, opacity] if *opacity > 0 => char::from(b'0' + color),
            _ => '.',
        };
        let rows = pixels.bytes.chunks(4 * pixels.across);
        rows.map(|row| row.chunks(4).map(digit).collect()).collect()
    }

    fn span(kind: SpanKind, from: u64, to: u64, height: u64) -> LaneSpan {
        LaneSpan {
            kind,
            from: Seen(from * 1_000),
            to: Seen(to * 1_000),
            height,
        }
    }

    #[test]
    fn more_is_taller_up_to_the_row() {
        let heights = [1, 2, 3, 4, 1_000, u64::MAX].map(|count| tall(count, 15.0));
        assert_eq!(heights, [4.0, 6.0, 6.0, 8.0, 15.0, 15.0]);
    }

    #[test]
    fn a_lane_is_bars_boxes_and_what_is_not_known() {
        let lane = Lane {
            spans: vec![
                span(SpanKind::Gone, 15, 18, 1),
                span(SpanKind::Between, 8, 12, 1),
                span(SpanKind::Changes, 2, 3, 1),
                span(SpanKind::Errors, 5, 6, 1),
            ],
            marks: vec![LaneMark {
                kind: MarkKind::Known,
                at: Seen(1_000),
            }],
        };
        let rows = drawn(&lane, None, &Trouble::default());
        assert_eq!(rows[2], "....................");
        assert_eq!(rows[3], "..2..33.1111........");
        assert_eq!(rows[5], ".12113311111111...11");
        assert_eq!(rows[4], "..2..33.1..1........");
        assert_eq!(rows[6], "..2..33.1111........");
    }

    #[test]
    fn what_comes_after_the_moment_is_paler_and_trouble_ends_there() {
        let trouble = Trouble {
            own: Some((Health::Error, Seen(4_000))),
            first: Some(Seen(4_000)),
        };
        let rows = drawn(&Lane::default(), Some(10_000), &trouble);
        assert_eq!(rows[0], "....3....66.........");
        assert_eq!(rows[3], "....3333366.........");
        assert_eq!(rows[5], "11113333366111111111");
        let mut pixels = Pixels::new((20.0, 11.0, 1.0));
        pixels.fill(INK.line, (0.0, 0.0, 20.0, 11.0));
        pixels.fade(10.0);
        assert_eq!(
            (pixels.bytes[4 * 9 + 3], pixels.bytes[4 * 11 + 3]),
            (255, 102)
        );
    }

    #[test]
    fn crosses_and_hatches_slant() {
        let lane = Lane {
            spans: vec![
                span(SpanKind::Lost, 10, 20, 1),
                span(SpanKind::Cancels, 4, 5, 1),
            ],
            marks: Vec::new(),
        };
        let rows = drawn(&lane, None, &Trouble::default());
        assert!(rows[2].ends_with("...........") && rows[5].starts_with("11"));
        let hatched: Vec<usize> = rows[3].match_indices('5').map(|(at, _)| at).collect();
        let below: Vec<usize> = rows[4].match_indices('5').map(|(at, _)| at).collect();
        assert!(!hatched.is_empty() && hatched != below);
        assert!(rows[3].contains('4') && rows[7].contains('4') && !rows[9].contains('4'));
    }

    #[test]
    fn odd_sizes_are_harmless() {
        for size in [(0.0, 0.0, 1.0), (1.0, 1.0, 3.0), (30.4, 19.6, 1.5)] {
            let mut pixels = Pixels::new(size);
            let all = [
                SpanKind::Changes,
                SpanKind::Errors,
                SpanKind::Cancels,
                SpanKind::Between,
                SpanKind::Lost,
                SpanKind::Gone,
            ];
            let lane = Lane {
                spans: all.map(|kind| span(kind, 0, 90, u64::MAX)).to_vec(),
                marks: Vec::new(),
            };
            let stage = Stage {
                from: Seen(5_000),
                to: Seen(20_000),
                cursor: Some(Seen(19_999)),
                window: (Seen(0), Seen(20_000)),
            };
            if pixels.across > 0 {
                pixels.lane(&lane, &stage, &Trouble::default(), &INK);
            }
            assert_eq!(pixels.bytes.len() % 4, 0);
        }
    }
}
