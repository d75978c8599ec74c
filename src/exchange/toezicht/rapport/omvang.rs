//! Omvang (extent): how much was exchanged between whom, on which grondslag, and for how long it can be read.

use super::{
    super::oog::{Convenanten, Oog},
    Afdeling, Tabel, Tellen,
    lezing::{Gebeurtenis, Gelezen},
    of_none,
};
use crate::{
    domain::{BerichtId, Berichtsoort, Status, Termijn, Weigering, houdbaarheid::amsterdam_date},
    logboek::Soort,
};

/// What every rule has that says nothing else.
const USUAL: Termijn = Termijn::Maanden(3);

/// What was accepted, by what the table of it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stroom {
    berichtsoort: String,
    afzender: String,
    ontvanger: String,
    /// The hash of the convenant.
    convenant: String,
    regel: String,
    grondslag: String,
}

#[derive(Default)]
pub(super) struct Omvang {
    berichten: u64,
    /// What the gateway sent by itself, or for who withdrew something.
    van_de_poort: u64,
    last: Option<BerichtId>,
    /// How often the last day is not three months after the acceptance.
    other_terms: u64,
    stromen: Tellen<Stroom>,
}

impl Omvang {
    pub(super) fn take(&mut self, regel: &Gebeurtenis) {
        if regel.regel.soort != Soort::Aanvaard {
            return;
        }
        let soort = regel.regel.berichtsoort.as_deref().and_then(|naam| naam.parse::<Berichtsoort>().ok());
        if soort.is_some_and(Berichtsoort::from_gateway) {
            self.van_de_poort += 1;
            return;
        }
        // The regels of one bericht, one for each ontvanger, follow each other.
        if regel.bericht() != self.last {
            self.berichten += 1;
            self.last = regel.bericht();
        }
        let usual = USUAL.last_day(amsterdam_date(regel.tijd)).to_string();
        self.other_terms += u64::from(regel.regel.houdbaar_tot_en_met.as_ref() != Some(&usual));
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let stroom = Stroom {
            berichtsoort: text(&regel.regel.berichtsoort),
            afzender: of_none(regel.afzender()),
            ontvanger: of_none(regel.ontvanger()),
            convenant: text(&regel.regel.convenant),
            regel: text(&regel.regel.regel),
            grondslag: text(&regel.regel.grondslag),
        };
        self.stromen.add(stroom, 1);
    }
}

/// How much there was, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Kern {
    /// Berichten that were accepted.
    pub berichten: u64,
    /// The same, once for each ontvanger.
    pub ontvangsten: u64,
    /// People that they were about, as far as they can be told apart.
    pub mensen: u64,
    /// Refused to partners.
    pub geweigerd: u64,
    /// By grondslag, the most first.
    pub grondslagen: Vec<(String, u64)>,
    /// By afzender and ontvanger, both partners, the most first.
    pub paren: Vec<((String, String), u64)>,
}

impl Gelezen {
    /// How much there was.
    pub(super) fn kern(&self) -> Kern {
        let (mut grondslagen, mut paren) = (Tellen::default(), Tellen::default());
        for (stroom, aantal) in &self.omvang.stromen.0 {
            grondslagen.add(stroom.grondslag.clone(), *aantal);
            paren.add((stroom.afzender.clone(), stroom.ontvanger.clone()), *aantal);
        }
        let owned = |(key, aantal): (&String, u64)| (key.clone(), aantal);
        Kern {
            berichten: self.omvang.berichten,
            ontvangsten: self.omvang.stromen.sum(),
            mensen: self.mensen.count(),
            geweigerd: self.weigeringen.refused(),
            grondslagen: grondslagen.sorted().into_iter().map(owned).collect(),
            paren: paren.sorted().into_iter().map(|(pair, aantal)| (pair.clone(), aantal)).collect(),
        }
    }
}

fn getoetst(convenanten: &Convenanten, stroom: &Stroom) -> &'static str {
    let grondslag = convenanten.get(&stroom.convenant).and_then(|convenant| convenant.grondslag(&stroom.grondslag));
    match grondslag.map(|grondslag| &grondslag.status) {
        Some(Status::Bevestigd) => "ja",
        Some(Status::TeBevestigen(Some(_))) => "nee, aanvaard",
        Some(Status::TeBevestigen(None)) => "nee",
        None => "onbekend",
    }
}

impl Oog<'_> {
    /// The section that says how much there was, and the same in numbers.
    pub(super) async fn omvang(&self, gelezen: &Gelezen) -> Result<(Afdeling, Kern), Weigering> {
        let Omvang { berichten, stromen, .. } = &gelezen.omvang;
        let convenanten = self.convenanten(stromen.0.keys().map(|stroom| stroom.convenant.as_str())).await?;
        let naam = |stroom: &Stroom| {
            convenanten.get(&stroom.convenant).map_or_else(|| "onbekend".to_owned(), |of| of.naam.clone())
        };
        let people = gelezen.mensen.count();
        let kern = gelezen.kern();
        let mut zinnen = vec![format!(
            "Berichten aanvaard: {berichten}, geteld per ontvanger: {}. Personen over wie zij gingen: {people}, voor zover die te herkennen \
             zijn: wie zonder SKN of BSN en met een andere schrijfwijze is vastgelegd telt dubbel, en wie is gewist telt niet mee.",
            stromen.sum(),
        )];
        if gelezen.omvang.van_de_poort > 0 {
            zinnen.push(format!(
                "De poort maakte daarnaast {} keer een bericht: een waarschuwing of melding van verval, een melding van schade, of, voor wie iets \
                 introk, een verzoek om te vernietigen. Die tellen hier niet mee; bij Uitwisselingen staan zij erbij.",
                gelezen.omvang.van_de_poort
            ));
        }
        let untested: u64 = stromen
            .0
            .iter()
            .filter(|(stroom, _)| getoetst(&convenanten, stroom) != "ja")
            .map(|(_, aantal)| aantal)
            .sum();
        if untested > 0 {
            zinnen.push(format!(
                "Van wat partners stuurden rust {untested} keer op een grondslag die geen jurist heeft bevestigd, geteld per ontvanger. In de tabel \
                 staat dan nee, of nee, aanvaard: iemand aanvaardde in het convenant dat het nog zo is."
            ));
        }
        let mut by_grondslag: Tellen<(&str, &str, &str, String, &str, &str)> = Tellen::default();
        for (stroom, aantal) in &stromen.0 {
            let Stroom { berichtsoort, afzender, ontvanger, grondslag, .. } = stroom;
            let toets = getoetst(&convenanten, stroom);
            by_grondslag.add((berichtsoort, afzender, ontvanger, naam(stroom), grondslag, toets), *aantal);
        }
        let rows =
            by_grondslag.sorted().into_iter().map(|((soort, van, naar, convenant, grondslag, toets), aantal)| {
                let cells = [soort, van, naar, convenant.as_str(), grondslag, toets].map(str::to_owned);
                [cells.as_slice(), &[aantal.to_string()]].concat()
            });
        let stromen_tabel = Tabel::new(
            ("stromen", "Wie wat aan wie stuurde, op welke grondslag"),
            &["berichtsoort", "afzender", "ontvanger", "convenant", "grondslag", "getoetst", "aantal"],
            rows,
        );
        let termijnen = termijnen(&convenanten, stromen);
        if gelezen.omvang.other_terms > 0 {
            zinnen.push(format!(
                "Een andere laatste dag dan drie maanden na aanvaarding: {} keer. De termijn telt dan vanaf de peildatum, de afzender vroeg om \
                 korter, of de regel wijkt af; regels die afwijken staan hieronder met hun reden uit het convenant.",
                gelezen.omvang.other_terms
            ));
        }
        let tabellen = vec![stromen_tabel, termijnen];
        Ok((Afdeling { naam: "omvang", titel: "Wat er is uitgewisseld", zinnen, tabellen }, kern))
    }
}

/// Each rule whose term is not three months, with why.
fn termijnen(convenanten: &Convenanten, stromen: &Tellen<Stroom>) -> Tabel {
    let mut by_rule: Tellen<(&str, &str)> = Tellen::default();
    for (stroom, aantal) in &stromen.0 {
        by_rule.add((&stroom.convenant, &stroom.regel), *aantal);
    }
    let rows = by_rule.0.iter().filter_map(|((hash, id), aantal)| {
        let convenant = convenanten.get(*hash)?;
        let regel = convenant.regels.iter().find(|regel| regel.id == *id)?;
        (regel.houdbaarheid != USUAL).then(|| {
            let why = regel.afwijking.clone().unwrap_or_else(|| "niet gezegd".to_owned());
            vec![convenant.naam.clone(), (*id).to_owned(), regel.houdbaarheid.to_string(), why, aantal.to_string()]
        })
    });
    Tabel::new(
        ("termijnen", "Andere termijnen dan drie maanden"),
        &["convenant", "regel", "houdbaarheid", "afwijking", "aantal"],
        rows.collect::<Vec<_>>(),
    )
}
