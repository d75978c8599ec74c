//! The stromenschema as SVG, for a convenant's annex: a row a rule, senders left, ontvangers right, and between them what goes
//! and on which terms. Pages of A4 landscape below each other, black on white, with nothing that has to be fetched or run.
//!
//! No font is known here, so that widths are estimated on the safe side.

use std::fmt::Write;

use jiff::civil::Date;

use super::{
    bevindingen::join,
    rij::{Rij, keuze, rijen},
    tabel::wrap,
};
use crate::domain::{Convenant, Mandaat, Status, VanKracht};

/// A4 landscape at 96 pixels an inch.
const PAGE: (u32, u32) = (1123, 794);
const MARGIN: u32 = 44;
/// The last line of content; below it stands the foot.
const BOTTOM: u32 = PAGE.1 - 52;
/// Left edge and width of the boxes with senders and with ontvangers.
const VAN: (u32, u32) = (MARGIN, 262);
const NAAR: (u32, u32) = (PAGE.0 - MARGIN - 262, 262);
/// Between them, with room for the arrow.
const MIDDEN: (u32, u32) = (VAN.0 + VAN.1 + 14, NAAR.0 - VAN.0 - VAN.1 - 28);
const LINE: u32 = 15;

/// The drawing of everything that may be sent on a day.
#[must_use]
pub fn svg(van_kracht: &VanKracht, day: Date) -> String {
    let mut sheet = Sheet { pages: vec![String::new()], y: MARGIN, running: String::new(), heads: false };
    sheet.text(MARGIN, 18, "h1", "Stromenschema");
    let about =
        format!("Wie mag op {day} wat aan wie sturen, op welke grondslag, hoe lang houdbaar en met welk mandaat.");
    sheet.text(MARGIN, 20, "p", &about);
    sheet.y += 8;
    let rijen = rijen(van_kracht, day);
    for convenant in van_kracht.convenanten() {
        let own: Vec<&Rij> = rijen.iter().filter(|rij| rij.convenant == convenant.naam).collect();
        section(&mut sheet, convenant, &own, day);
    }
    mandaten(&mut sheet, &van_kracht.deelnemers().mandaten, &rijen);
    assemble(&sheet.pages, &about, day)
}

fn section(sheet: &mut Sheet, convenant: &Convenant, own: &[&Rij], day: Date) {
    let Convenant { naam, titel, versie, geldig_van, geldig_tot_en_met, .. } = convenant;
    // A head never stands alone at the foot of a page.
    let first = own.first().map_or(LINE, |rij| Row::new(rij).height());
    sheet.room(94 + first);
    sheet.y += 10;
    sheet.text(MARGIN, 16, "h2", titel);
    let note = if convenant.in_force(day) { "" } else { "; op deze dag niet van kracht" };
    let term =
        format!("Convenant {naam}, versie {versie}, geldig van {geldig_van} tot en met {geldig_tot_en_met}{note}.");
    sheet.text(MARGIN, 18, "p", &term);
    if own.is_empty() {
        sheet.text(MARGIN, LINE, "p", "Dit convenant staat op deze dag niets toe.");
    } else {
        sheet.columns();
    }
    sheet.heads = true;
    sheet.running = format!("Vervolg van convenant {naam}, versie {versie}");
    for rij in own {
        Row::new(rij).draw(sheet);
    }
    sheet.heads = false;
    let used = |id: &String| own.iter().any(|rij| rij.grondslagen.contains(id));
    for grondslag in convenant.grondslagen.iter().filter(|grondslag| used(&grondslag.id)) {
        let status = match &grondslag.status {
            Status::Bevestigd => String::new(),
            Status::TeBevestigen(None) => " (te bevestigen)".to_owned(),
            Status::TeBevestigen(Some(aanvaard)) => {
                format!(" (te bevestigen; aanvaard door {} op {})", aanvaard.door, aanvaard.op)
            }
        };
        sheet.entry(&format!("Grondslag {}: {}{status}", grondslag.id, grondslag.citaat));
    }
    sheet.y += 10;
    sheet.running.clear();
}

fn mandaten(sheet: &mut Sheet, mandaten: &[Mandaat], rijen: &[Rij]) {
    let used = |mandaat: &&Mandaat| rijen.iter().any(|rij| rij.mandaten.contains(&mandaat.id));
    let used: Vec<&Mandaat> = mandaten.iter().filter(used).collect();
    if used.is_empty() {
        return;
    }
    sheet.room(60);
    sheet.y += 10;
    sheet.text(MARGIN, 20, "h2", "Mandaten");
    for Mandaat { id, gever, functie, partner, geldig_van, geldig_tot_en_met, .. } in used {
        sheet.entry(&format!(
            "Mandaat {id}: {functie} van {partner}, namens {gever}, van {geldig_van} tot en met {geldig_tot_en_met}"
        ));
    }
}

/// One rule, broken into lines.
struct Row {
    soort: String,
    van: Vec<String>,
    naar: Vec<String>,
    terms: Vec<String>,
}

impl Row {
    fn new(rij: &Rij) -> Self {
        let mut terms = wrap(&format!("houdbaar {}; {}", rij.houdbaarheid, rij.voorwaarden.join("; ")), 76);
        terms.extend(wrap(&format!("grondslag {}; regel {}", keuze(&rij.grondslagen), rij.regel), 76));
        if !rij.mandaten.is_empty() {
            terms.extend(wrap(&format!("mandaat {}", rij.mandaten.join(", ")), 76));
        }
        Self {
            soort: rij.berichtsoort.to_string(),
            van: wrap(&join(&rij.van), 36),
            naar: wrap(&join(&rij.naar), 36),
            terms,
        }
    }

    /// With the gap to the next row, pixels.
    fn height(&self) -> u32 {
        self.inner() + 10
    }

    fn inner(&self) -> u32 {
        let lines = |lines: &[String]| u32::try_from(lines.len()).expect("a few lines") * LINE;
        (lines(&self.terms) + 30).max(lines(&self.van).max(lines(&self.naar)) + 14)
    }

    fn draw(&self, sheet: &mut Sheet) {
        sheet.room(self.height());
        let (top, inner) = (sheet.y, self.inner());
        for ((x, width), lines) in [(VAN, &self.van), (NAAR, &self.naar)] {
            sheet.push(&format!(
                r#"<rect x="{x}" y="{top}" width="{width}" height="{inner}" rx="3" fill="none" stroke="{INK}"/>"#
            ));
            for (line, at) in lines.iter().zip(0..) {
                sheet.put(x + 8, top + 18 + at * LINE, "b", line);
            }
        }
        let arrow = top + 22;
        let (from, to) = (VAN.0 + VAN.1, NAAR.0);
        sheet.push(&format!(
            r#"<path d="M{from} {arrow}H{}" stroke="{INK}" stroke-width="1.5"/><path d="M{to} {arrow}l-9 -4.5v9z"/>"#,
            to - 8
        ));
        sheet.put(MIDDEN.0, top + 15, "s", &self.soort);
        for (line, at) in self.terms.iter().zip(0..) {
            sheet.put(MIDDEN.0, arrow + 17 + at * LINE, "t", line);
        }
        sheet.y += self.height();
    }
}

const INK: &str = "#000";

/// Pages being filled from the top.
struct Sheet {
    pages: Vec<String>,
    y: u32,
    /// Stands at the top of a page that goes on with a convenant.
    running: String,
    /// Whether the heads of the columns stand there too.
    heads: bool,
}

impl Sheet {
    /// Goes to a new page where this one has no room for so many pixels.
    fn room(&mut self, height: u32) {
        if self.y + height > BOTTOM {
            self.pages.push(String::new());
            self.y = MARGIN;
            if !self.running.is_empty() {
                self.put(MARGIN, MARGIN, "p", &self.running.clone());
                if self.heads {
                    self.columns();
                } else {
                    self.y += 8;
                }
            }
        }
    }

    /// The heads of the columns.
    fn columns(&mut self) {
        self.y += 22;
        for (x, head) in
            [(VAN.0, "Afzenders"), (MIDDEN.0, "Bericht, houdbaarheid, grondslag, mandaat"), (NAAR.0, "Ontvangers")]
        {
            self.put(x, self.y, "k", head);
        }
        self.y += 8;
    }

    fn push(&mut self, element: &str) {
        let page = self.pages.last_mut().expect("there is always a page");
        page.push_str(element);
        page.push('\n');
    }

    /// A line of text whose foot stands at `y`.
    fn put(&mut self, x: u32, y: u32, class: &str, text: &str) {
        self.push(&format!(r#"<text x="{x}" y="{y}" class="{class}">{}</text>"#, escape(text)));
    }

    /// A line of text over the whole width; `height` goes off the page.
    fn text(&mut self, x: u32, height: u32, class: &str, text: &str) {
        for line in wrap(text, 130) {
            self.room(height);
            self.y += height;
            self.put(x, self.y, class, &line);
        }
    }

    /// An entry of a list, whose further lines stand in.
    fn entry(&mut self, text: &str) {
        for (line, at) in wrap(text, 160).iter().zip(0_u32..) {
            self.room(LINE);
            self.y += LINE;
            self.put(MARGIN + if at == 0 { 0 } else { 14 }, self.y, "t", line);
        }
    }
}

fn assemble(pages: &[String], about: &str, day: Date) -> String {
    let (width, height) = PAGE;
    let count = u32::try_from(pages.len()).expect("a few pages");
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"titel uitleg\" width=\"297mm\" \
         height=\"{}mm\" viewBox=\"0 0 {width} {}\" font-family=\"Arial, Helvetica, 'Liberation Sans', sans-serif\">\n\
         <title id=\"titel\">Stromenschema op {day}</title>\n<desc id=\"uitleg\">{}</desc>\n\
         <style>.h1{{font-size:22px;font-weight:bold}}.h2{{font-size:15px;font-weight:bold}}.p{{font-size:12px}}\
         .s{{font-size:12.5px;font-weight:bold}}.b,.t{{font-size:11.5px}}.k{{font-size:11.5px;font-style:italic}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        210 * count,
        height * count,
        escape(about)
    );
    for (page, number) in pages.iter().zip(0..) {
        let foot = format!("Stromenschema op {day}, blad {} van {count}", number + 1);
        writeln!(
            out,
            "<g transform=\"translate(0 {})\">\n{page}<text x=\"{MARGIN}\" y=\"{}\" class=\"t\">{foot}</text>\n</g>",
            number * height,
            height - 28
        )
        .expect("writing to a String does not fail");
    }
    out.push_str("</svg>\n");
    out
}

/// Text for XML 1.0, which knows almost no control characters.
fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.chars().map(|c| if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) { ' ' } else { c }).collect()
}
