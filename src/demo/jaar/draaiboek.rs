//! The script of the year as data (`deploy/voorbeeld/jaar.json`): what begins by itself and how often, and what follows from what.

use serde::Deserialize;
use serde_json::{Map, Value};

const JAAR: &str = include_str!("../../../deploy/voorbeeld/jaar.json");

/// Everything that can happen in the year.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draaiboek {
    pub titel: String,
    /// In the order of `per_zvh`.
    pub zvhs: [String; 4],
    /// The partners that also work at night and in the weekend.
    pub dag_en_nacht: Vec<String>,
    pub blijft_liggen: Vec<BlijftLiggen>,
    pub aanleidingen: Vec<Aanleiding>,
    pub reacties: Vec<Reactie>,
}

/// A postvak that nobody empties for a while, as `partner/loket`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlijftLiggen {
    pub postvak: String,
    pub van_dagen_geleden: i32,
    pub tot_dagen_geleden: i32,
}

/// Something that begins by itself.
#[derive(Deserialize)]
pub struct Aanleiding {
    /// What happens, for who opens the file.
    #[serde(rename = "tekst")]
    _tekst: String,
    /// How often in the year for each ZVH, at moments that the dice choose.
    #[serde(default)]
    pub per_zvh: [u32; 4],
    /// Or on these days,
    #[serde(default)]
    pub dagen_geleden: Vec<i32>,
    /// at this hour,
    #[serde(default)]
    pub uur: i8,
    /// for this ZVH, or else the first.
    pub zvh: Option<String>,
    /// So many times in a row.
    #[serde(default = "once")]
    pub keer: u32,
    /// Between 18.00 and 8.00, also in the weekend.
    #[serde(default)]
    pub na_kantoortijd: bool,
    #[serde(flatten)]
    pub doe: Doe,
}

const fn once() -> u32 {
    1
}

/// What begins.
#[derive(Deserialize)]
#[serde(tag = "doe", rename_all = "snake_case")]
pub enum Doe {
    /// A bericht about somebody new.
    Stuur(Zending),
    /// Looks for scenario's of somebody who has none.
    Zoek { door: String, medewerker: Option<String> },
    /// Asks for the report of the quarter before.
    Rapport { door: String },
    /// Proposes another text of a convenant.
    StelVoor(Wijziging),
    /// Opens a dossier of inzage about somebody who was written about.
    Inzage { door: String, besluiten: bool },
}

/// A bericht. Addresses are `partner/loket`, `zvh` or `alle-zvhs`.
#[derive(Deserialize)]
pub struct Zending {
    pub soort: String,
    /// One of these sends it.
    pub van: Vec<String>,
    pub aan: Vec<String>,
    #[serde(default)]
    pub minderjarig: bool,
    #[serde(default)]
    pub met_bsn: bool,
    /// Fields that are otherwise than in the template.
    #[serde(default)]
    pub inhoud: Map<String, Value>,
    /// By which reactions know it.
    #[serde(default)]
    pub naam: String,
    /// As what it is refused.
    pub weigering: Option<String>,
}

/// One other sentence in one rule of a convenant.
#[derive(Deserialize, Clone)]
pub struct Wijziging {
    pub convenant: String,
    pub reden: String,
    pub versie: [String; 2],
    pub regel: String,
    pub oud: String,
    pub nieuw: String,
    /// Whether all parties sign.
    pub tekenen: bool,
}

/// What follows from something.
#[derive(Deserialize)]
pub struct Reactie {
    #[serde(flatten)]
    pub op: Aanzet,
    /// Only when the bericht has this name.
    pub als: Option<String>,
    /// Only when this partner does it; `zvh` is any of the four.
    pub door: Option<String>,
    /// Out of a hundred.
    pub kans: u8,
    /// At least and at most so many hours later.
    pub uren: [u32; 2],
    #[serde(flatten)]
    pub doe: Vervolg,
}

/// From what it follows; of which berichtsoort.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Aanzet {
    /// Who received it reacts.
    Ontvangen(String),
    /// Who sent it goes on.
    Gestuurd(String),
    /// Who read it again, because it was found, reacts.
    Geraadpleegd(String),
}

/// What follows.
#[derive(Deserialize)]
#[serde(tag = "doe", rename_all = "snake_case")]
pub enum Vervolg {
    /// A bericht about the same person: to these, or else to who sent.
    Stuur {
        soort: String,
        aan: Option<Vec<String>>,
        /// Whether it names what it follows as what it answers.
        #[serde(default)]
        antwoord: bool,
        #[serde(default)]
        varianten: Vec<Variant>,
    },
    /// Looks for the scenario's of this person, and reads them.
    Raadpleeg,
    /// Sends the scenario anew, in the place of the old one.
    Verleng,
    /// Takes it back.
    TrekIn { reden: String, toelichting: String },
}

/// One of several ways in which a bericht can be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its share.
    pub deel: u32,
    pub naam: String,
    pub inhoud: Map<String, Value>,
}

impl Draaiboek {
    pub fn read() -> Self {
        serde_json::from_str(JAAR).expect("a test reads the script that is compiled in")
    }
}
