//! What a partner sends: the template of a berichtsoort, about somebody who was made up.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::personen::Persoon;
use crate::{cli::Failure, demo::play::filled, proto};

/// A bericht before it is sent.
pub struct Ontwerp {
    pub soort: String,
    /// The name by which reactions know it; empty for most.
    pub naam: String,
    /// As `partner/loket`.
    pub van: String,
    pub aan: Vec<String>,
    pub persoon: Persoon,
    pub casusnummer: String,
    pub medewerker: String,
    pub in_antwoord_op: Option<String>,
    pub vervangt: Option<String>,
    /// How often it was renewed, this time included.
    pub verlengingen: u8,
    /// Fields of its berichtsoort that are otherwise than in the template; null for none.
    pub inhoud: Map<String, Value>,
    /// As what it has to be refused.
    pub weigering: Option<String>,
}

/// The parts of `partner/loket`.
pub fn parts(adres: &str) -> (&str, &str) {
    adres.split_once('/').unwrap_or((adres, "algemeen"))
}

/// Somebody who works there.
pub fn medewerker_of(dice: &mut Rng, adres: &str) -> String {
    format!("{}-{:02}", parts(adres).0, dice.u32(1..8))
}

impl Ontwerp {
    /// A bericht as most are.
    pub fn new(dice: &mut Rng, soort: &str, (van, aan): (String, Vec<String>), persoon: Persoon) -> Self {
        Self {
            soort: soort.to_owned(),
            naam: String::new(),
            medewerker: medewerker_of(dice, &van),
            casusnummer: format!("C-{:05}", dice.u32(..100_000)),
            van,
            aan,
            persoon,
            in_antwoord_op: None,
            vervangt: None,
            verlengingen: 0,
            inhoud: Map::new(),
            weigering: None,
        }
    }

    /// As it is sent, from the template of its berichtsoort.
    ///
    /// # Errors
    /// When this is no bericht that can be put in words of the protocol: then the script is wrong.
    pub fn request(&self, mut template: Value) -> Result<proto::SendRequest, Failure> {
        template["loket"] = parts(&self.van).1.into();
        let to = |adres: &String| {
            let (partner, loket) = parts(adres);
            json!({"partner": partner, "loket": loket})
        };
        template["ontvangers"] = self.aan.iter().map(to).collect();
        for (field, id) in [("in_antwoord_op", &self.in_antwoord_op), ("vervangt", &self.vervangt)] {
            match (id, template.as_object_mut()) {
                (Some(id), Some(fields)) => drop(fields.insert(field.to_owned(), id.clone().into())),
                (None, Some(fields)) => drop(fields.remove(field)),
                (_, None) => {}
            }
        }
        let inhoud = &mut template["inhoud"];
        if inhoud.get("betrokkenen").is_some() {
            inhoud["betrokkenen"] = json!([self.persoon.betrokkene()]);
        }
        inhoud["casusnummer_afzender"] = self.casusnummer.clone().into();
        inhoud["medewerker"] = self.medewerker.clone().into();
        for (field, value) in &self.inhoud {
            inhoud[&self.soort][field] = value.clone();
        }
        filled(template)
    }
}
