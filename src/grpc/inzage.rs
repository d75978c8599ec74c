//! Dossiers of inzage on the wire.

use super::{answers::herkend, content::Checker, convert};
use crate::{
    domain::{
        Persoon, Weigering,
        inzage::{Besluit, Grond, Oordeel, Verzoek},
    },
    exchange::dossier::{Getoond, GetoondeRij, Gevraagd, RijSoort},
    logboek::tijd,
    proto,
};

/// Decisions in one request, at most.
const MOST_DECISIONS: usize = 5000;
/// Characters of a toelichting, at most.
const LONGEST_TOELICHTING: usize = 500;

/// Who asks, each wrong field named at once.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn verzoek(request: &proto::OpenDossierRequest) -> Result<(Persoon, Verzoek), Weigering> {
    let mut checker = Checker::default();
    let asked = request.persoon.clone().unwrap_or_default();
    let persoon = convert::zoekpersoon(&asked, &mut checker);
    if asked.naam.is_none() && checker.0.is_empty() {
        checker.wrong("persoon.naam", "de naam en de hele geboortedatum van wie om inzage vraagt");
    }
    let ontvangen_op = checker.date("ontvangen_op", &request.ontvangen_op);
    checker.line("kenmerk", &request.kenmerk, 1..=64);
    checker.line("persoon.naam", asked.naam.as_deref().unwrap_or_default(), 0..=200);
    let (Some(ontvangen_op), true) = (ontvangen_op, checker.0.is_empty()) else {
        return Err(Weigering::OngeldigVeld(checker.0));
    };
    let (naam, geboortedatum) = (persoon.naam.clone(), persoon.geboortedatum.clone());
    let op_nummer = persoon.skn.is_some() || persoon.bsn.is_some();
    Ok((persoon, Verzoek { naam, geboortedatum, kenmerk: request.kenmerk.clone(), ontvangen_op, op_nummer }))
}

/// What is decided: about single rows, and about all others.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn besluit(request: &proto::DecideDossierRequest) -> Result<(Besluit, Option<Oordeel>), Weigering> {
    let mut checker = Checker::default();
    checker.count("besluiten", request.besluiten.len(), 0..=MOST_DECISIONS);
    if request.besluiten.is_empty() && request.overige.is_none() {
        checker.wrong("overige", "een oordeel over uw rijen, of over elke rij apart in besluiten");
    }
    let mut named = Besluit::new();
    for (at, of) in request.besluiten.iter().take(MOST_DECISIONS).enumerate() {
        let veld = format!("besluiten[{at}].oordeel");
        let decided = of.oordeel.clone().unwrap_or_default();
        let Some(decided) = oordeel(&veld, &decided, &mut checker) else { continue };
        if named.insert(of.log_index, decided).is_some() {
            checker.wrong(&format!("besluiten[{at}].log_index"), "elke rij een keer");
        }
    }
    let others = request.overige.as_ref().map(|of| oordeel("overige", of, &mut checker));
    if checker.0.is_empty() { Ok((named, others.flatten())) } else { Err(Weigering::OngeldigVeld(checker.0)) }
}

/// One decision: released with nothing else, or withheld on a ground.
fn oordeel(veld: &str, of: &proto::Oordeel, checker: &mut Checker) -> Option<Oordeel> {
    let proto::Oordeel { vrijgeven, grond: _, toelichting, verzwijgen } = of;
    let before = checker.0.len();
    if *vrijgeven {
        if of.grond != 0 || *verzwijgen || !toelichting.is_empty() {
            checker.wrong(veld, "bij vrijgeven geen grond, geen toelichting en niet verzwijgen");
        }
        return (checker.0.len() == before).then_some(Oordeel::Vrijgegeven);
    }
    checker.choice::<proto::Grond>(&format!("{veld}.grond"), of.grond);
    if !toelichting.is_empty() {
        checker.line(&format!("{veld}.toelichting"), toelichting, 1..=LONGEST_TOELICHTING);
    }
    if *verzwijgen && !toelichting.is_empty() {
        checker.wrong(&format!("{veld}.toelichting"), "geen toelichting bij verzwijgen: de betrokkene ziet haar niet");
    }
    let grond = (checker.0.len() == before).then(|| grond(of.grond()))??;
    let toelichting = Some(toelichting.clone()).filter(|text| !text.is_empty());
    Some(Oordeel::Achtergehouden { grond, toelichting, verzwegen: *verzwijgen })
}

fn grond(of: proto::Grond) -> Option<Grond> {
    Some(match of {
        proto::Grond::Unspecified => return None,
        proto::Grond::NationaleVeiligheid => Grond::NationaleVeiligheid,
        proto::Grond::OpenbareVeiligheid => Grond::OpenbareVeiligheid,
        proto::Grond::StrafbareFeiten => Grond::StrafbareFeiten,
        proto::Grond::Toezichtstaak => Grond::Toezichtstaak,
        proto::Grond::BeschermingBetrokkene => Grond::BeschermingBetrokkene,
        proto::Grond::RechtenVanAnderen => Grond::RechtenVanAnderen,
    })
}

/// A ground as it is sent.
#[must_use]
pub fn of_grond(grond: Grond) -> proto::Grond {
    match grond {
        Grond::NationaleVeiligheid => proto::Grond::NationaleVeiligheid,
        Grond::OpenbareVeiligheid => proto::Grond::OpenbareVeiligheid,
        Grond::StrafbareFeiten => proto::Grond::StrafbareFeiten,
        Grond::Toezichtstaak => proto::Grond::Toezichtstaak,
        Grond::BeschermingBetrokkene => proto::Grond::BeschermingBetrokkene,
        Grond::RechtenVanAnderen => proto::Grond::RechtenVanAnderen,
    }
}

/// A dossier as it is sent.
#[must_use]
pub fn dossier(of: Getoond) -> proto::Dossier {
    let verzoek = |Verzoek { naam, geboortedatum, kenmerk, ontvangen_op, .. }: Verzoek| proto::DossierVerzoek {
        naam,
        geboortedatum,
        kenmerk,
        ontvangen_op: ontvangen_op.to_string(),
    };
    proto::Dossier {
        dossier: of.nummer,
        contactpunt: of.contactpunt,
        geopend: of.geopend,
        antwoord_voor: tijd(of.termijnen.antwoord_voor),
        besluiten_voor: tijd(of.termijnen.besluiten_voor),
        verlengd: of.verlengd,
        gesloten: of.gesloten,
        te_laat: of.te_laat,
        verzoek: of.verzoek.map(verzoek),
        nog_te_besluiten: of.nog_te_besluiten,
        vertrokken: of.vertrokken,
        gevraagd: of.gevraagd.into_iter().map(gevraagd).collect(),
        rijen: of.rijen.into_iter().map(rij).collect(),
        overzicht: of.overzicht.map(|of| of.markdown()),
    }
}

fn gevraagd(Gevraagd { partner, besloten, te_laat, achtergehouden }: Gevraagd) -> proto::GevraagdBesluit {
    let withheld = |((grond, verzwegen), rijen): ((Grond, bool), u32)| proto::Achtergehouden {
        grond: of_grond(grond).into(),
        rijen,
        verzwegen,
    };
    let achtergehouden = achtergehouden.into_iter().map(withheld).collect();
    proto::GevraagdBesluit { partner, besloten, te_laat, achtergehouden }
}

fn rij(GetoondeRij { log_index, soort, zinnen, partners, herkend_op, oordelen }: GetoondeRij) -> proto::DossierRij {
    let soort = match soort {
        RijSoort::Uitwisseling => proto::RijSoort::Uitwisseling,
        RijSoort::Zoekvraag => proto::RijSoort::Zoekvraag,
        RijSoort::Weigering => proto::RijSoort::Weigering,
        RijSoort::Toezicht => proto::RijSoort::Toezicht,
    };
    let decided = |(partner, oordeel): (String, Oordeel)| {
        let oordeel = match oordeel {
            Oordeel::Vrijgegeven => proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() },
            Oordeel::Achtergehouden { grond, toelichting, verzwegen } => proto::Oordeel {
                vrijgeven: false,
                grond: of_grond(grond).into(),
                toelichting: toelichting.unwrap_or_default(),
                verzwijgen: verzwegen,
            },
        };
        proto::PartnerOordeel { partner, oordeel: Some(oordeel) }
    };
    let oordelen = oordelen.into_iter().map(decided).collect();
    let herkend_op = herkend(herkend_op).into();
    proto::DossierRij { log_index, soort: soort.into(), zinnen, partners, oordelen, herkend_op }
}
