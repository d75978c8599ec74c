//! A convenant as TOML again, in one fixed form: what `check --form toml` shows, so that two versions can be compared line by
//! line whatever order and layout their authors chose. Reading what it prints gives the same convenant.

use std::fmt::{Display, Write};

use crate::domain::{Adrespatroon, Bewaar, Convenant, Grondslag, Regel, Status, Termijn};

/// The text of a convenant.
#[must_use]
pub fn print(convenant: &Convenant) -> String {
    let mut out = Text(String::new());
    out.text("naam", &convenant.naam);
    out.text("titel", &convenant.titel);
    out.text("versie", &convenant.versie);
    out.list("partijen", &convenant.partijen);
    out.plain("geldig_van", convenant.geldig_van);
    out.plain("geldig_tot_en_met", convenant.geldig_tot_en_met);
    if !convenant.staat_achter.is_empty() {
        out.list("staat_achter", &convenant.staat_achter);
    }
    for grondslag in &convenant.grondslagen {
        out.grondslag(grondslag);
    }
    for regel in &convenant.regels {
        out.regel(regel);
    }
    out.0
}

struct Text(String);

impl Text {
    fn plain(&mut self, key: &str, value: impl Display) {
        writeln!(self.0, "{key} = {value}").expect("writing to a String does not fail");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.plain(key, toml::Value::from(value));
    }

    fn optional_text(&mut self, key: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn list<T: Display>(&mut self, key: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        self.plain(key, toml::Value::from(values));
    }

    fn grondslag(&mut self, grondslag: &Grondslag) {
        self.0.push_str("\n[[grondslag]]\n");
        self.text("id", &grondslag.id);
        self.text("citaat", &grondslag.citaat);
        self.text("omschrijving", &grondslag.omschrijving);
        self.text("bron", &grondslag.bron);
        match &grondslag.status {
            Status::Bevestigd => self.text("status", "bevestigd"),
            Status::TeBevestigen(aanvaard) => {
                self.text("status", "te_bevestigen");
                if let Some(aanvaard) = aanvaard {
                    let (door, waarom) = (toml::Value::from(&*aanvaard.door), toml::Value::from(&*aanvaard.waarom));
                    self.plain("aanvaard", format!("{{ door = {door}, op = {}, waarom = {waarom} }}", aanvaard.op));
                }
            }
        }
        if let Some(day) = grondslag.geldig_van {
            self.plain("geldig_van", day);
        }
        if let Some(day) = grondslag.geldig_tot_en_met {
            self.plain("geldig_tot_en_met", day);
        }
        self.text("verwerkingsactiviteit", &grondslag.verwerkingsactiviteit);
    }

    fn regel(&mut self, regel: &Regel) {
        self.0.push_str("\n[[regel]]\n");
        self.text("id", &regel.id);
        self.text("berichtsoort", regel.berichtsoort.as_str());
        self.list("van", &regel.van);
        self.list("naar", &regel.naar);
        self.list("grondslag", &regel.grondslagen);
        match regel.houdbaarheid {
            Termijn::Maanden(maanden) => self.plain("houdbaarheid_maanden", maanden),
            Termijn::Dagen(dagen) => self.plain("houdbaarheid_dagen", dagen),
        }
        self.optional_text("afwijking", regel.afwijking.as_ref());
        self.text("telt_vanaf", regel.telt_vanaf.as_str());
        if let Some(doelgroep) = regel.doelgroep {
            self.text("doelgroep", doelgroep.as_str());
        }
        if let Some(categorie) = regel.categorie {
            self.text("categorie", categorie.as_str());
        }
        if regel.bsn_toegestaan {
            self.plain("bsn_toegestaan", true);
        }
        if let Some(houder) = regel.mandaat {
            self.text("mandaat", houder.as_str());
        }
        if !regel.mede_ontvanger.is_empty() {
            self.list::<&Adrespatroon>("mede_ontvanger", &regel.mede_ontvanger);
        }
        if regel.max_verlengingen > 0 {
            self.plain("max_verlengingen", regel.max_verlengingen);
        }
        if regel.bewaar_inhoud != Bewaar::default() {
            self.text("bewaar_inhoud", regel.bewaar_inhoud.as_str());
        }
        self.optional_text("verwerkingsactiviteit", regel.verwerkingsactiviteit.as_ref());
    }
}
