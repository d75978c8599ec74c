//! The domain: who may send what to whom, on which grondslag, and for how long.
//!
//! Pure: no async, no database, no wire types, no clock of its own. Reading order: [`partner`], [`loket`], [`zicht`], [`identiteit`],
//! [`berichtsoort`], [`convenant`], [`mandaat`], [`van_kracht`], [`naast`] (which rules can meet), [`houdbaarheid`], [`persoon`],
//! [`bericht`], [`toestand`], [`eerder`], [`weigering`], then [`admission`], where they meet: `vraag` asks the rules of a bericht,
//! and [`voorrang`] says which convenant stamps where several allow it.
//!
//! [`mod@matrix`] shows what is allowed, [`samenloop`] where convenanten meet, and [`mod@onbeslist`] where nothing says which one
//! stamps. [`einde`] says what ends soon, [`verschil`] what a change means, and [`wijzigen`] who must agree with it. [`inzage`] is what
//! somebody may ask about themselves. Two tools serve these: `proef` makes the berichten
//! that are tried, and `plaatsen` says in few words between whom something holds. [`klok`] decides whether the clock may be
//! believed.

pub mod admission;
pub mod bericht;
pub mod berichtsoort;
pub mod convenant;
pub mod eerder;
pub mod einde;
pub mod houdbaarheid;
pub mod identiteit;
pub mod inzage;
pub mod klok;
pub mod loket;
pub mod mandaat;
pub mod matrix;
pub mod naast;
pub mod onbeslist;
pub mod partner;
pub mod persoon;
mod plaatsen;
mod proef;
pub mod samenloop;
pub mod toestand;
pub mod van_kracht;
pub mod verschil;
pub mod voorrang;
mod vraag;
pub mod weigering;
pub mod wijzigen;
pub mod zicht;

pub use admission::{Ontvanger, Stempel, Toegelaten, admit, still_allowed};
pub use bericht::{Bericht, BerichtId, Bsn, Doelgroep, Feiten, Geboortedatum, Vernietiging};
pub use berichtsoort::Berichtsoort;
pub use convenant::{Acceptatie, Adrespatroon, Bewaar, Categorie, Convenant, Grondslag, Regel, Status};
pub use eerder::{Correctie, Eerder, Eerdere, EerdereOntvanger, Sindsdien, Vervolg};
pub use houdbaarheid::{TeltVanaf, Termijn};
pub use identiteit::{Aangemeld, Certificaat, Identiteit, Ingang, Rol, Toegang, Vingerafdruk};
pub use klok::{Herinnering, Klok, Twijfel};
pub use loket::{Contact, Loket, Sluiting, Telefoon};
pub use mandaat::{Mandaat, Mandaathouder};
pub use matrix::{Stroom, matrix};
pub use partner::{Adres, LoketNaam, Oin, Partner, PartnerNaam};
pub use persoon::{Kenmerk, Persoon};
pub use toestand::Toestand;
pub use van_kracht::{Deelnemers, Document, DocumentSoort, VanKracht};
pub use voorrang::{Geladen, Historie, Versie};
pub use weigering::{Overtreding, Weigering};
pub use wijzigen::{Instemming, TeWijzigen, Wijzigen};
pub use zicht::Zicht;

use jiff::{SignedDuration, Timestamp};

/// What a machine says of the time. Tests set it; only `clock.rs` reads the machine's. A gateway asks [`Klok`], which decides
/// whether this may be believed.
pub trait Clock: Send + Sync {
    /// The present moment by the wall clock, UTC. Somebody can set it, rightly or wrongly.
    fn now(&self) -> Timestamp;

    /// How long ago the machine was started, sleep included (`CLOCK_BOOTTIME`). Nobody can set it.
    fn since_boot(&self) -> SignedDuration;

    /// Which start of the machine that was; empty where the system does not tell.
    fn boot(&self) -> String;
}

/// Randomness for keys, salts and identifiers. Tests seed it.
pub trait Rng: Send + Sync {
    /// Fills `out` with bytes that nobody can predict.
    fn fill(&self, out: &mut [u8]);
}
