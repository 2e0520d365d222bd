//! The lanes on screen as one picture: each canvas beside the name of its machine.

use leptos::prelude::{document, window};
use leptos::wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement};

/// Saves it; how many lanes are in it. `None`: there are none, or the browser refuses.
pub fn save_lanes(name: &str) -> Option<u32> {
    let lanes = document().query_selector_all("canvas.lane").ok()?;
    let lane = |at: u32| -> Option<HtmlCanvasElement> { lanes.item(at)?.dyn_into().ok() };
    let first = lane(0)?;
    let scale = f64::from(first.width()) / f64::from(first.client_width().max(1));
    let (label, row) = (
        (NAMES * scale) as u32,
        first.height() + (GAP * scale) as u32,
    );
    let sheet = document().create_element("canvas").ok()?;
    let sheet: HtmlCanvasElement = sheet.dyn_into().ok()?;
    sheet.set_width(label + first.width());
    sheet.set_height(row * lanes.length());
    let context: CanvasRenderingContext2d = sheet.get_context("2d").ok()??.dyn_into().ok()?;
    let body = document().body()?;
    let style = window().get_computed_style(&body).ok()??;
    let color = |name: &str| style.get_property_value(name).unwrap_or_default();
    context.set_fill_style_str(&color("background-color"));
    context.fill_rect(
        0.0,
        0.0,
        f64::from(sheet.width()),
        f64::from(sheet.height()),
    );
    context.set_fill_style_str(&color("color"));
    context.set_font(
        &[
            &((12.0 * scale) as u32).to_string(),
            "px system-ui, sans-serif",
        ]
        .concat(),
    );
    context.set_text_baseline("middle");
    for at in 0..lanes.length() {
        let Some(lane) = lane(at) else { continue };
        let top = f64::from(row * at);
        let machine = lane.closest("[data-machine]").ok().flatten();
        let machine = machine.and_then(|row| row.query_selector(".machine").ok().flatten());
        let machine = machine
            .and_then(|name| name.text_content())
            .unwrap_or_default();
        let middle = top + f64::from(lane.height()) / 2.0;
        let room = (NAMES - 8.0) * scale;
        context
            .fill_text_with_max_width(&machine, 4.0 * scale, middle, room)
            .ok()?;
        context
            .draw_image_with_html_canvas_element(&lane, f64::from(label), top)
            .ok()?;
    }
    let link: HtmlAnchorElement = document().create_element("a").ok()?.unchecked_into();
    link.set_href(&sheet.to_data_url().ok()?);
    link.set_download(name);
    link.click();
    Some(lanes.length())
}

/// Pixels for names.
const NAMES: f64 = 160.0;
/// Pixels between lanes.
const GAP: f64 = 3.0;
