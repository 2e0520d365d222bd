//! How links are drawn, and how the picture is moved and scaled. Plain geometry.

use super::Level;

/// A link on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// As SVG writes it.
    pub path: String,
    /// Its middle.
    pub middle: (i32, i32),
}

/// From the middle of one node to the middle of another. Beside nodes of the same column or row, not through them.
#[must_use]
pub fn curve((x, y): (i32, i32), (to_x, to_y): (i32, i32), level: Level) -> Curve {
    let (w, h) = level.pitch();
    let (dx, dy) = (to_x - x, to_y - y);
    let (a, b) = if dx.abs() < w / 2 {
        let aside = if dy.abs() > h * 3 / 2 { w * 9 / 16 } else { 0 };
        ((x - aside, y + dy / 4), (to_x - aside, to_y - dy / 4))
    } else if dy.abs() < h / 2 {
        let above = if dx.abs() > w * 3 / 2 { h * 5 / 8 } else { 0 };
        ((x + dx / 4, y - above), (to_x - dx / 4, to_y - above))
    } else {
        ((x + dx / 2, y), (to_x - dx / 2, to_y))
    };
    let middle = |from: i32, a: i32, b: i32, to: i32| (from + 3 * a + 3 * b + to) / 8;
    Curve {
        path: format!("M{x} {y}C{} {} {} {} {to_x} {to_y}", a.0, a.1, b.0, b.1),
        middle: (middle(x, a.0, b.0, to_x), middle(y, a.1, b.1, to_y)),
    }
}

/// How the picture lies in its frame: moved by `x` and `y` after it was scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
    /// Size.
    pub scale: f64,
}

impl Default for Viewport {
    fn default() -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            scale: 1.0,
        }
    }
}

impl Viewport {
    /// Everything within `bounds` (left, top, right, bottom) in a frame of this size, at full size at most.
    #[must_use]
    pub fn fit(bounds: (i32, i32, i32, i32), (width, height): (f64, f64)) -> Self {
        let (left, top, right, bottom) = bounds;
        let wide = f64::from(right - left + 2 * MARGIN);
        let high = f64::from(bottom - top + 2 * MARGIN);
        let scale = (width / wide).min(height / high).clamp(SMALLEST, 1.0);
        Self {
            x: width / 2.0 - f64::from(left + right) / 2.0 * scale,
            y: height / 2.0 - f64::from(top + bottom) / 2.0 * scale,
            scale,
        }
    }

    /// Larger or smaller; what is at this point of the frame stays there.
    #[must_use]
    pub fn zoom(self, (x, y): (f64, f64), by: f64) -> Self {
        let scale = (self.scale * by).clamp(SMALLEST, LARGEST);
        let by = scale / self.scale;
        Self {
            x: x - (x - self.x) * by,
            y: y - (y - self.y) * by,
            scale,
        }
    }

    /// Moved.
    #[must_use]
    pub fn pan(self, (x, y): (f64, f64)) -> Self {
        Self {
            x: self.x + x,
            y: self.y + y,
            ..self
        }
    }

    /// Is a place of the picture in the frame?
    #[must_use]
    pub fn shows(&self, (x, y): (i32, i32), (width, height): (f64, f64)) -> bool {
        let x = f64::from(x) * self.scale + self.x;
        let y = f64::from(y) * self.scale + self.y;
        (0.0..=width).contains(&x) && (0.0..=height).contains(&y)
    }
}

/// The nearest of these places in a direction (to the right, down), if there is one.
#[must_use]
pub fn toward(
    from: (i32, i32),
    (right, down): (i32, i32),
    places: impl Iterator<Item = (i32, i32)>,
) -> Option<usize> {
    let ahead = places.enumerate().filter_map(|(number, at)| {
        let (dx, dy) = (at.0 - from.0, at.1 - from.1);
        let along = dx * right + dy * down;
        let across = (dx * down).abs() + (dy * right).abs();
        // Within a right angle around the direction; who is aside counts as further away.
        (along > 0 && across <= 2 * along).then_some((along + 2 * across, number))
    });
    Some(ahead.min()?.1)
}

/// Around the picture, in its own pixels.
const MARGIN: i32 = 24;
/// A thousand dots fit into a phone.
const SMALLEST: f64 = 0.05;
/// Letters of twice their size.
const LARGEST: f64 = 2.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_fits_and_is_in_the_middle() {
        let bounds = (-500, -200, 500, 900);
        let view = Viewport::fit(bounds, (600.0, 400.0));
        for corner in [(-500, -200), (500, -200), (-500, 900), (500, 900)] {
            assert!(view.shows(corner, (600.0, 400.0)), "{corner:?}");
        }
        assert!((view.x - 300.0).abs() < 1.0);
        assert!((Viewport::fit((0, 0, 10, 10), (900.0, 900.0)).scale - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let view = Viewport {
            x: 40.0,
            y: -10.0,
            scale: 0.5,
        };
        let zoomed = view.zoom((100.0, 60.0), 1.6);
        for axis in [
            (100.0 - view.x) / view.scale - (100.0 - zoomed.x) / zoomed.scale,
            (60.0 - view.y) / view.scale - (60.0 - zoomed.y) / zoomed.scale,
        ] {
            assert!(axis.abs() < 1e-9);
        }
        assert!(view.zoom((0.0, 0.0), 1e9).scale <= LARGEST);
        assert!(view.zoom((0.0, 0.0), 1e-9).scale >= SMALLEST);
    }

    #[test]
    fn links_go_around_what_is_between() {
        let (w, h) = Level::Cards.pitch();
        let middle = |to| curve((0, 0), to, Level::Cards).middle;
        assert_eq!(middle((0, h)), (0, h / 2));
        assert!(middle((0, 2 * h)).0.abs() > w / 3);
        assert!(middle((2 * w, 0)).1.abs() > h / 3);
        assert_eq!(middle((w, 3 * h)), (w / 2, 3 * h / 2));
        assert_eq!(curve((0, 0), (4, 8), Level::Dots).path, "M0 0C0 2 4 6 4 8");
    }

    #[test]
    fn arrow_keys_find_the_neighbour() {
        let places = [(0, 0), (100, 10), (300, 0), (0, 90), (-80, -80)];
        let go = |from, way| toward(from, way, places.iter().copied());
        for (from, way, to) in [
            ((0, 0), (1, 0), Some(1)),
            ((100, 10), (1, 0), Some(2)),
            ((0, 0), (0, 1), Some(3)),
            ((0, 0), (-1, 0), Some(4)),
            ((300, 0), (1, 0), None),
        ] {
            assert_eq!(go(from, way), to, "{from:?} {way:?}");
        }
    }
}
