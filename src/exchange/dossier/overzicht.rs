//! Overzicht (overview): what somebody gets who asked what was exchanged about them, to print. What it must say: AVG art. 15, lid 1.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    super::{
        Exchange,
        datum::{dag, moment, opgeschreven},
        toezicht::oog::Oog,
    },
    rijen::{Rij, RijSoort},
    staat::Dossier,
};
use crate::domain::{
    LoketNaam, PartnerNaam,
    inzage::{Besluit, Oordeel, Verzoek, is_released},
};

/// The sections with rows: of what, their title, and what they say where there is nothing.
const AFDELINGEN: [(RijSoort, &str, &str); 4] = [
    (
        RijSoort::Uitwisseling,
        "Wat organisaties elkaar over u stuurden",
        "Wij hebben geen berichten over u gevonden die wij mogen laten zien.",
    ),
    (
        RijSoort::Zoekvraag,
        "Wie er naar u zocht",
        "Wij hebben geen zoekvragen over u gevonden die wij mogen laten zien.",
    ),
    (RijSoort::Weigering, "Wat de poort tegenhield", "De poort hield niets tegen, of wij mogen dat niet laten zien."),
    (
        RijSoort::Toezicht,
        "Wie er bij het toezicht naar u zocht",
        "Wij hebben niet gevonden dat iemand van het toezicht naar u zocht.",
    ),
];

/// What somebody gets, part by part.
pub struct Overzicht(pub Vec<Blok>);

/// A part of it.
pub enum Blok {
    /// Above a section.
    Kop(&'static str),
    /// Sentences that belong together.
    Alinea(Zin),
    /// Things beside each other.
    Lijst(Vec<Zin>),
    /// What is known, numbered, each in sentences.
    Rijen(Vec<Vec<String>>),
}

/// A text that can begin with emphasis.
pub struct Zin {
    /// What it begins with; nothing where empty.
    pub nadruk: &'static str,
    /// The rest.
    pub tekst: String,
}

impl Zin {
    fn new(nadruk: &'static str, tekst: impl Into<String>) -> Self {
        Self { nadruk, tekst: tekst.into() }
    }

    fn markdown(&self) -> String {
        let tekst = plain(&self.tekst);
        if self.nadruk.is_empty() { tekst } else { format!("**{}** {tekst}", self.nadruk) }
    }
}

impl Overzicht {
    /// What stands above it.
    pub const TITEL: &'static str = "Overzicht van uw gegevens in Ketenpoort";

    /// The same as a text in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut parts = vec![format!("# {}", Self::TITEL)];
        for blok in &self.0 {
            match blok {
                Blok::Kop(kop) => parts.push(format!("## {kop}")),
                Blok::Alinea(zin) => parts.push(zin.markdown()),
                Blok::Lijst(zinnen) => {
                    let zinnen: Vec<String> = zinnen.iter().map(|zin| format!("- {}", zin.markdown())).collect();
                    parts.push(zinnen.join("\n"));
                }
                Blok::Rijen(rijen) => {
                    let numbered = rijen.iter().zip(1..);
                    parts.extend(numbered.map(|(zinnen, number)| format!("{number}. {}", zinnen.join("\n   "))));
                }
            }
        }
        let mut text = parts.join("\n\n");
        text.push('\n');
        text
    }
}

/// Sentences without emphasis.
fn alinea(tekst: impl Into<String>) -> Blok {
    Blok::Alinea(Zin::new("", tekst))
}

impl Exchange {
    /// The overview of a dossier: of rows that each partner in them released.
    pub(super) fn overzicht(
        &self,
        oog: &Oog<'_>,
        (dossier, is_whole): (&Dossier, bool),
        verzoek: &Verzoek,
        (rijen, besluiten): (&[Rij], &BTreeMap<PartnerNaam, Besluit>),
    ) -> Overzicht {
        let mut parts = self.kop(oog, dossier, verzoek);
        let shown = |rij: &&Rij| is_released(rij.log_index, &rij.partners, besluiten);
        for (soort, titel, niets) in AFDELINGEN {
            parts.push(Blok::Kop(titel));
            let of_soort = rijen.iter().filter(|rij| rij.soort == soort).filter(shown);
            let told: Vec<Vec<String>> = of_soort.map(|rij| rij.zinnen.clone()).collect();
            parts.push(if told.is_empty() { alinea(niets) } else { Blok::Rijen(told) });
        }
        parts.extend(missing(oog, (is_whole, verzoek.op_nummer), besluiten));
        parts.extend(rights(oog.namen.organisatie(&dossier.contactpunt)));
        Overzicht(parts)
    }

    /// For whom, of whom, and what it is.
    fn kop(&self, oog: &Oog<'_>, dossier: &Dossier, verzoek: &Verzoek) -> Vec<Blok> {
        let organisatie = oog.namen.organisatie(&dossier.contactpunt);
        let van_kracht = self.van_kracht();
        let partner = van_kracht.partners().get(&dossier.contactpunt);
        let loket = partner.and_then(|partner| partner.loketten.get(&LoketNaam::default()));
        let telefoon = loket.and_then(|loket| loket.contact.as_ref());
        let telefoon =
            telefoon.map(|of| format!(", telefoon {} ({})", of.telefoon.as_str(), of.functie)).unwrap_or_default();
        let Verzoek { naam, geboortedatum, kenmerk, ontvangen_op, .. } = verzoek;
        let regels = [
            format!("Voor: {naam}, geboren op {}", opgeschreven(geboortedatum)),
            format!("Uw verzoek: ontvangen op {}, ons kenmerk {kenmerk}", dag(*ontvangen_op)),
            format!("Van: {organisatie}, het contactpunt{telefoon}"),
            format!("Nummer van dit dossier: {}", dossier.nummer),
        ];
        let regels = regels.into_iter().map(|regel| Zin::new("", regel));
        let geopend = dossier.geopend.parse::<Timestamp>().map(moment).unwrap_or_default();
        let nu = moment(self.klok.now());
        let verstrekt = match dossier.gesloten {
            Some((op, _)) => alinea(format!("Verstrekt op {}.", moment(op))),
            None => Blok::Alinea(Zin::new("Concept.", "Dit overzicht is nog niet klaar. Geef het nog niet mee.")),
        };
        let wat = format!(
            "U vroeg welke gegevens organisaties over u hebben uitgewisseld. Ketenpoort is een digitale poort: \
             organisaties voor zorg, veiligheid en straf sturen elkaar daarlangs berichten. De poort schrijft op wie wat stuurde, wanneer en \
             waarom dat mocht. Hier staat wat er was tot {geopend}, en wat daarmee gebeurde tot {nu}. De poort neemt zelf geen besluiten over u."
        );
        vec![Blok::Lijst(regels.collect()), verstrekt, alinea(wat)]
    }
}

/// What somebody wrote, as it was written: nothing in it is layout.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    // An address would become a link.
    for c in text.replace("://", ": //").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '~' | '#' | '&' | '[' | ']' | '<' | '>' | '|') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// What does not stand in the overview, and why.
fn missing(
    oog: &Oog<'_>,
    (is_whole, op_nummer): (bool, bool),
    besluiten: &BTreeMap<PartnerNaam, Besluit>,
) -> Vec<Blok> {
    let mut parts = vec![Blok::Kop("Wat er niet in staat")];
    for (naam, besluit) in besluiten {
        let mut told: BTreeMap<(&'static str, &str), usize> = BTreeMap::new();
        for oordeel in besluit.values() {
            if let Oordeel::Achtergehouden { grond, toelichting, verzwegen: false } = oordeel {
                *told.entry((grond.uitleg(), toelichting.as_deref().unwrap_or_default())).or_default() += 1;
            }
        }
        for ((waarom, toelichting), aantal) in told {
            let wat = if aantal == 1 { "1 gegeven".to_owned() } else { format!("{aantal} gegevens") };
            let organisatie = oog.namen.organisatie(naam);
            let zin = format!("{organisatie} laat {wat} niet zien, omdat {waarom}. {toelichting}");
            parts.push(alinea(zin.trim_end()));
        }
    }
    if !op_nummer {
        let zin = "Wij zochten zonder nummer van u. Er kan dus iets bij staan over iemand anders met uw naam en geboortedatum.";
        parts.push(alinea(zin));
    }
    if !is_whole {
        parts.push(alinea(
            "Een of meer organisaties hebben niet besloten wat zij laten zien, of doen niet meer mee. Wat daarvan afhangt staat hier niet in. U \
             kunt er later opnieuw naar vragen.",
        ));
    }
    parts.extend(
        [
            "Organisaties mogen gegevens achterhouden als de wet dat toestaat. Soms mogen zij ook niet zeggen dat zij dat doen. Daarom \
             kunnen wij niet zeggen of dit overzicht volledig is.",
            "De inhoud van de berichten staat hier niet in. Vraag daarvoor de organisatie die het bericht stuurde of kreeg.",
            "De poort weet niet wat organisaties met een bericht deden: afdrukken, of overnemen in een eigen dossier. Ook kan een bericht dat \
             hier vernietigd heet nog in een reservekopie van de poort staan.",
            "De poort zoekt op uw naam en geboortedatum, en op nummers als u die gaf. Is uw naam ergens anders geschreven, of staat uw \
             geboortedatum er niet helemaal, dan kan dat hier ontbreken.",
        ]
        .map(alinea),
    );
    parts
}

/// What the person can do.
fn rights(organisatie: &str) -> Vec<Blok> {
    let zinnen = vec![
        Zin::new("Klopt iets niet?", "Vraag de organisatie die het stuurde om het te verbeteren of aan te vullen."),
        Zin::new(
            "Wilt u dat iets wordt gewist, of dat organisaties het voorlopig niet gebruiken?",
            "Dat kunt u ook vragen.",
        ),
        Zin::new("Bent u het er niet mee eens dat gegevens over u zijn gedeeld?", "Dan kunt u bezwaar maken."),
        Zin::new(
            "",
            format!(
                "U mag elk van deze dingen vragen aan {organisatie}. Dan geldt uw vraag voor alle organisaties die via Ketenpoort \
                 berichten sturen."
            ),
        ),
        Zin::new(
            "Een klacht?",
            "Vraag naar de functionaris gegevensbescherming van een organisatie, of dien een klacht in bij de Autoriteit \
             Persoonsgegevens. U kunt ook naar de rechter gaan.",
        ),
    ];
    vec![Blok::Kop("Wat u kunt doen"), Blok::Lijst(zinnen)]
}
