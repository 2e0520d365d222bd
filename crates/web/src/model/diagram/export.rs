//! A picture as text for other programs: SVG as it is seen, Mermaid and D2 as what it says. Names are whatever their owner
//! wrote, so every format has its own way to take them as text and nothing else.

use statemesh::core::engine::Relation;

use super::{Card, Line, Picture};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A drawing.
    Svg,
    /// A flowchart or a sequence diagram of Mermaid.
    Mermaid,
    /// D2.
    D2,
}

impl Format {
    /// All.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Mermaid, Self::D2];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Mermaid => "Mermaid",
            Self::D2 => "D2",
        }
    }

    /// How its files end, and their type.
    #[must_use]
    pub fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Svg => ("svg", "image/svg+xml"),
            Self::Mermaid => ("mmd", "text/plain"),
            Self::D2 => ("d2", "text/plain"),
        }
    }

    /// Writes a picture; `title` says what it shows.
    #[must_use]
    pub fn write(self, picture: &Picture, title: &str) -> String {
        match (self, picture.is_sequence) {
            (Self::Svg, _) => svg(picture, title),
            (Self::Mermaid, false) => flowchart(picture, title),
            (Self::Mermaid, true) => sequence(picture, title),
            (Self::D2, _) => d2(picture, title),
        }
    }
}

fn svg(picture: &Picture, title: &str) -> String {
    let (w, h) = (picture.size.0 + 2 * MARGIN, picture.size.1 + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"-{MARGIN} -{MARGIN} {w} {h}\" \
         font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"12\" fill=\"none\">\n\
         <title>{}</title>\n<rect x=\"-{MARGIN}\" y=\"-{MARGIN}\" width=\"{w}\" height=\"{h}\" fill=\"{PAPER}\"/>\n",
        xml(title)
    );
    if picture.is_sequence {
        for card in &picture.cards {
            let (x, y, w, h) = card.at;
            let path = format!("M{} {}V{}", x + w / 2, y + h, picture.size.1);
            out += &format!("<path d=\"{path}\" stroke=\"{EDGE}\"/>\n");
        }
    }
    for line in &picture.lines {
        let (color, dashes) = look(line.kind);
        let dashes = if dashes.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{dashes}\"")
        };
        out += &format!(
            "<g{}><title>{}</title><path d=\"{}\" stroke=\"{color}\" stroke-width=\"1.5\"{dashes}/><path d=\"{}\" fill=\"{color}\"/>",
            faint(line.dim),
            xml(&spoken(picture, line)),
            line.line,
            line.head,
        );
        if let Some((x, y)) = line.label {
            out += &format!(
                "<text x=\"{x}\" y=\"{y}\" fill=\"{TEXT}\">{}</text>",
                xml(&line.word)
            );
        }
        out += "</g>\n";
    }
    for card in &picture.cards {
        svg_card(&mut out, card);
    }
    out += "</svg>\n";
    out
}

fn svg_card(out: &mut String, card: &Card) {
    let (x, y, w, h) = card.at;
    let color = color(card);
    let (edge, width) = if card.changed { (TEXT, 2) } else { (EDGE, 1) };
    let weight = if card.changed {
        " font-weight=\"700\""
    } else {
        ""
    };
    let line = if card.called {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    let fill = if card.active { color } else { "none" };
    let base = y + if card.detail.is_empty() { h / 2 } else { 14 };
    let (shape_x, shape_y) = (x + 8, base - 4);
    let shape = if card.error {
        format!(
            "<path d=\"M{} {shape_y}l5 5-5 5-5-5z\" stroke=\"{color}\" fill=\"{fill}\"/>",
            shape_x + 4
        )
    } else {
        let second = if card.multi {
            format!("M{} {}h8v8", shape_x + 2, shape_y - 2)
        } else {
            String::new()
        };
        format!(
            "<path d=\"M{shape_x} {shape_y}h8v8h-8z\" stroke=\"{color}\" fill=\"{fill}\"/><path d=\"{second}\" stroke=\"{color}\"/>"
        )
    };
    *out += &format!(
        "<g{}><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"5\" fill=\"{PAPER}\" stroke=\"{edge}\" stroke-width=\"{width}\"/>\
         {shape}<text x=\"{}\" y=\"{}\" fill=\"{TEXT}\"{weight}{line}>{}</text>",
        faint(card.dim),
        xml(&card.full),
        x + 24,
        base + 4,
        xml(&card.name),
    );
    if !card.detail.is_empty() {
        *out += &format!(
            "<text x=\"{}\" y=\"{}\" fill=\"{EDGE}\" font-size=\"11\">{}</text>",
            x + 24,
            base + 18,
            xml(&card.detail)
        );
    }
    *out += "</g>\n";
}

/// `Ready requires Start`.
fn spoken(picture: &Picture, line: &Line) -> String {
    let name = |state: usize| {
        let card = picture.cards.iter().find(|card| card.state == Some(state));
        card.map_or("", |card| &card.full)
    };
    let (from, to) = (name(line.from), name(line.to));
    if line.kind.is_none() && line.from == line.to {
        return format!("{from} {}", line.word);
    }
    format!("{from} {} {to}", line.word)
}

fn faint(is_dim: bool) -> &'static str {
    if is_dim { " opacity=\"0.3\"" } else { "" }
}

fn color(card: &Card) -> &'static str {
    match (card.active, card.error, card.multi) {
        (false, ..) => EDGE,
        (true, true, _) => REMOVES,
        (true, false, true) => MULTI,
        (true, false, false) => ADDS,
    }
}

fn look(kind: Option<Relation>) -> (&'static str, &'static str) {
    match kind {
        Some(Relation::Require) => (REQUIRES, "5 3"),
        Some(Relation::Add) => (ADDS, ""),
        Some(Relation::Remove) => (REMOVES, "8 3 2 3"),
        Some(Relation::After) => (EDGE, "1.5 3"),
        None => (TEXT, ""),
    }
}

/// As text of XML: what it may not contain at all is replaced.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

fn flowchart(picture: &Picture, title: &str) -> String {
    let mut out = format!("%% {}\nflowchart LR\n", coded(title));
    for card in &picture.cards {
        let class = class(card);
        out += &format!("  {}[\"{}\"]{class}\n", id(card.state), label(card, coded));
    }
    for line in &picture.lines {
        let arrow = match (line.kind, line.both) {
            (Some(Relation::Require), _) => "-.->",
            (Some(Relation::Remove), true) => "x--x",
            (Some(Relation::Remove), false) => "--x",
            (Some(Relation::After), _) => "==>",
            _ => "-->",
        };
        out += &format!(
            "  {} {arrow}|{}| {}\n",
            id(Some(line.from)),
            line.word,
            id(Some(line.to))
        );
    }
    for (name, color) in [("on", ADDS), ("error", REMOVES), ("multi", MULTI)] {
        out += &format!("  classDef {name} stroke:{color},stroke-width:3px\n");
    }
    out + "  classDef dim opacity:0.3\n"
}

fn class(card: &Card) -> &'static str {
    match (card.dim, color(card)) {
        (true, _) => ":::dim",
        (false, ADDS) => ":::on",
        (false, REMOVES) => ":::error",
        (false, MULTI) => ":::multi",
        (false, _) => "",
    }
}

fn sequence(picture: &Picture, title: &str) -> String {
    let mut out = format!("%% {}\nsequenceDiagram\n", coded(title));
    for card in &picture.cards {
        out += &format!(
            "  participant {} as {}\n",
            id(card.state),
            coded(&card.full)
        );
    }
    for line in &picture.lines {
        let (from, to) = (id_of(line.from), id_of(line.to));
        if line.from == line.to {
            out += &format!("  Note over {from}: {}\n", line.word);
        } else {
            out += &format!("  {from}->>{to}: {}\n", line.word);
        }
    }
    out
}

fn d2(picture: &Picture, title: &str) -> String {
    let begin = if picture.is_sequence {
        "shape: sequence_diagram"
    } else {
        "direction: right"
    };
    let mut out = format!("# {}\n{begin}\n", coded(title));
    for card in &picture.cards {
        let mut style = String::new();
        if card.active {
            style += &format!("; style.stroke: '{}'; style.stroke-width: 3", color(card));
        }
        if card.dim {
            style += "; style.opacity: 0.3";
        }
        if card.changed {
            style += "; style.bold: true";
        }
        let style = style
            .strip_prefix("; ")
            .map_or(String::new(), |style| format!(" {{{style}}}"));
        out += &format!("{}: {}{style}\n", id(card.state), label(card, quoted));
    }
    for line in &picture.lines {
        let arrow = if line.both { "<->" } else { "->" };
        let (color, dashes) = look(line.kind);
        let mut style = String::new();
        if line.kind.is_some() {
            style = format!(" {{style.stroke: '{color}'");
            if let Some((dash, _)) = dashes.split_once(' ') {
                style += &format!(
                    "; style.stroke-dash: {}",
                    dash.split('.').next().unwrap_or(dash)
                );
            }
            if line.dim {
                style += "; style.opacity: 0.3";
            }
            style += "}";
        }
        out += &format!(
            "{} {arrow} {}: {}{style}\n",
            id_of(line.from),
            id_of(line.to),
            line.word
        );
    }
    out
}

/// The name of a state, and what stands under it.
fn label(card: &Card, write: fn(&str) -> String) -> String {
    if card.detail.is_empty() {
        return write(&card.full);
    }
    write(&format!("{} ({})", card.full, card.detail))
}

fn id(state: Option<usize>) -> String {
    id_of(state.unwrap_or(usize::MAX))
}

fn id_of(state: usize) -> String {
    if state == usize::MAX {
        "any".to_owned()
    } else {
        format!("s{state}")
    }
}

/// As text of Mermaid: every letter that might mean something there is written by its number.
fn coded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-' | '.' | ',') {
            out.push(letter);
        } else {
            out += &format!("#{};", u32::from(letter));
        }
    }
    out
}

/// As text of D2: between single quotes nothing means anything but the quote, which is written twice.
fn quoted(text: &str) -> String {
    let clean = text.chars().map(|letter| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    });
    let mut out = String::from("'");
    for letter in clean {
        out.push(letter);
        if letter == '\'' {
            out.push(letter);
        }
    }
    out + "'"
}

/// Around the drawing.
const MARGIN: i32 = 16;
/// Colours of the light theme (dashboard design 13.1): panel, text, ctl, active, error, multi, auto.
const PAPER: &str = "#ffffff";
const TEXT: &str = "#14181d";
const EDGE: &str = "#7b8794";
const ADDS: &str = "#0a7567";
const REMOVES: &str = "#bd2519";
const MULTI: &str = "#6842c8";
const REQUIRES: &str = "#45608a";
