//! From proto to domain: what is asked, parsed and checked. The way back is `answers`.

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message;
use uuid::Uuid;

use super::{
    answers,
    content::{Checker, check},
};
use crate::{
    domain::{Adres, Bericht, BerichtId, LoketNaam, Persoon, Weigering, bericht::civil_date},
    exchange::{Intrekking, RedenIntrekking, Zoekvraag},
    proto::{self, inhoud::Soort},
};

/// Content in bytes, at most.
const MOST_CONTENT_BYTES: usize = 256 << 10;

/// Parses what a partner sends.
///
/// # Errors
/// [`Weigering::RequestIdOntbreekt`], [`Weigering::TeGroot`] or [`Weigering::OngeldigVeld`] with every field at once.
pub fn bericht(request: &proto::SendRequest) -> Result<Bericht, Weigering> {
    let request_id = request_id(&request.request_id)?;
    let mut checker = Checker::default();
    let loket = loket_or_default("loket", &request.loket, &mut checker);
    // A rectificatie goes to everyone who got the original, whom the gateway knows.
    let to_all =
        matches!(request.inhoud.as_ref().and_then(|inhoud| inhoud.soort.as_ref()), Some(Soort::Rectificatie(_)));
    let ontvangers = ontvangers(&request.ontvangers, to_all, &mut checker);
    let mut earlier = |veld: &str, text: &Option<String>| {
        let text = text.as_ref()?;
        let id = uuid(text).map(BerichtId);
        if id.is_none() {
            checker.wrong(veld, "het id van een bericht, een UUID");
        }
        id
    };
    let in_antwoord_op = earlier("in_antwoord_op", &request.in_antwoord_op);
    let vervangt = earlier("vervangt", &request.vervangt);
    let houdbaar_tot_en_met =
        request.houdbaar_tot_en_met.as_ref().and_then(|text| checker.date("houdbaar_tot_en_met", text));
    if let Some(grondslag) = &request.grondslag {
        checker.text("grondslag", grondslag, 1..=64);
    }
    if let Some(convenant) = &request.convenant {
        checker.text("convenant", convenant, 1..=64);
    }
    let empty = proto::Inhoud::default();
    let inhoud = request.inhoud.as_ref().unwrap_or(&empty);
    let feiten = check(inhoud, &mut checker);
    let encoded = inhoud.encode_to_vec();
    if encoded.len() > MOST_CONTENT_BYTES {
        return Err(Weigering::TeGroot);
    }
    let (Some(loket), Some(feiten), true) = (loket, feiten, checker.0.is_empty()) else {
        return Err(Weigering::OngeldigVeld(checker.0));
    };
    if feiten.soort.from_gateway() {
        return Err(Weigering::SoortVanDePoort);
    }
    let vingerafdruk = vingerafdruk(request, &loket, &ontvangers, (in_antwoord_op, vervangt), &encoded);
    Ok(Bericht {
        request_id,
        vingerafdruk,
        loket,
        ontvangers,
        in_antwoord_op,
        houdbaar_tot_en_met,
        grondslag: request.grondslag.clone(),
        convenant: request.convenant.clone(),
        vervangt,
        feiten,
        betrokkenen: inhoud.betrokkenen.iter().map(Message::encode_to_vec).collect(),
        medewerker: inhoud.medewerker.clone(),
        inhoud: encoded,
    })
}

/// What a repeated request must have the same: everything it means, however it is spelled.
fn vingerafdruk(
    request: &proto::SendRequest,
    loket: &LoketNaam,
    ontvangers: &[Adres],
    (in_antwoord_op, vervangt): (Option<BerichtId>, Option<BerichtId>),
    inhoud: &[u8],
) -> [u8; 32] {
    let meant = proto::SendRequest {
        // The fingerprint is looked up by it.
        request_id: String::new(),
        loket: loket.to_string(),
        ontvangers: ontvangers.iter().map(answers::adres).collect(),
        in_antwoord_op: in_antwoord_op.map(|id| id.to_string()),
        houdbaar_tot_en_met: request.houdbaar_tot_en_met.clone(),
        grondslag: request.grondslag.clone(),
        convenant: request.convenant.clone(),
        vervangt: vervangt.map(|id| id.to_string()),
        inhoud: None,
    };
    let mut bytes = meant.encode_length_delimited_to_vec();
    bytes.extend_from_slice(inhoud);
    digest(&SHA256, &bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A UUID in its usual form; other spellings of the same UUID would make one bericht two.
fn uuid(text: &str) -> Option<Uuid> {
    let parsed: Uuid = text.parse().ok()?;
    (text.len() == 36 && !parsed.is_nil()).then_some(parsed)
}

/// A `request_id`.
///
/// # Errors
/// [`Weigering::RequestIdOntbreekt`].
pub fn request_id(text: &str) -> Result<Uuid, Weigering> {
    uuid(text).ok_or(Weigering::RequestIdOntbreekt)
}

/// The id of an existing bericht; what is no UUID is no bericht.
///
/// # Errors
/// [`Weigering::BerichtOnbekend`].
pub fn bericht_id(text: &str) -> Result<BerichtId, Weigering> {
    uuid(text).map(BerichtId).ok_or(Weigering::BerichtOnbekend)
}

/// A loket of one's own; `algemeen` when empty.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn loket(text: &str) -> Result<LoketNaam, Weigering> {
    let mut checker = Checker::default();
    loket_or_default("loket", text, &mut checker).ok_or(Weigering::OngeldigVeld(checker.0))
}

/// A staff reference.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn medewerker(text: &str) -> Result<String, Weigering> {
    let mut checker = Checker::default();
    checker.text("medewerker", text, 1..=64);
    if checker.0.is_empty() { Ok(text.to_owned()) } else { Err(Weigering::OngeldigVeld(checker.0)) }
}

fn loket_or_default(veld: &str, text: &str, checker: &mut Checker) -> Option<LoketNaam> {
    if text.is_empty() {
        return Some(LoketNaam::default());
    }
    let loket = text.parse().ok();
    if loket.is_none() {
        checker.wrong(veld, "1 tot 64 kleine letters, cijfers en streepjes");
    }
    loket
}

fn ontvangers(given: &[proto::Adres], may_be_none: bool, checker: &mut Checker) -> Vec<Adres> {
    if !(usize::from(!may_be_none)..=32).contains(&given.len()) {
        checker.wrong("ontvangers", "1 tot 32 adressen");
    }
    let mut addresses = Vec::new();
    for (at, adres) in given.iter().take(32).enumerate() {
        let partner = adres.partner.parse().ok();
        if partner.is_none() {
            checker.wrong(&format!("ontvangers[{at}].partner"), "1 tot 64 kleine letters, cijfers en streepjes");
        }
        let loket = loket_or_default(&format!("ontvangers[{at}].loket"), &adres.loket, checker);
        let (Some(partner), Some(loket)) = (partner, loket) else { continue };
        let adres = Adres { partner, loket };
        if addresses.contains(&adres) {
            checker.wrong(&format!("ontvangers[{at}]"), "elk adres een keer");
        }
        addresses.push(adres);
    }
    addresses
}

/// What is asked of a withdrawal.
///
/// # Errors
/// [`Weigering::BerichtOnbekend`] or [`Weigering::OngeldigVeld`].
pub fn intrekking(request: &proto::WithdrawRequest) -> Result<Intrekking, Weigering> {
    let bericht = bericht_id(&request.bericht)?;
    let mut checker = Checker::default();
    let loket = loket_or_default("loket", &request.loket, &mut checker);
    checker.text("medewerker", &request.medewerker, 1..=64);
    let reden = match request.reden() {
        proto::RedenIntrekking::Unspecified => None,
        proto::RedenIntrekking::CasusGesloten => Some(RedenIntrekking::CasusGesloten),
        proto::RedenIntrekking::Onjuist => Some(RedenIntrekking::Onjuist),
        proto::RedenIntrekking::VerkeerdGeadresseerd => Some(RedenIntrekking::VerkeerdGeadresseerd),
        proto::RedenIntrekking::Anders => Some(RedenIntrekking::Anders),
    };
    checker.choice::<proto::RedenIntrekking>("reden", request.reden);
    match &request.toelichting {
        Some(text) => checker.text("toelichting", text, 1..=500),
        None if reden == Some(RedenIntrekking::Anders) => checker.wrong("toelichting", "waarom het wordt ingetrokken"),
        None => {}
    }
    let (Some(loket), Some(reden), true) = (loket, reden, checker.0.is_empty()) else {
        return Err(Weigering::OngeldigVeld(checker.0));
    };
    let (toelichting, medewerker) = (request.toelichting.clone(), request.medewerker.clone());
    Ok(Intrekking { bericht, loket, reden, toelichting, medewerker })
}

/// Whom somebody looks for, and why.
///
/// # Errors
/// [`Weigering::OngeldigVeld`].
pub fn zoekvraag(request: &proto::FindScenarioRequest) -> Result<Zoekvraag, Weigering> {
    let mut checker = Checker::default();
    let loket = (!request.loket.is_empty()).then(|| loket_or_default("loket", &request.loket, &mut checker)).flatten();
    checker.text("medewerker", &request.medewerker, 1..=64);
    checker.text("zaaknummer", &request.zaaknummer, 1..=64);
    let empty = proto::Zoekpersoon::default();
    let persoon = zoekpersoon(request.persoon.as_ref().unwrap_or(&empty), &mut checker);
    if !checker.0.is_empty() {
        return Err(Weigering::OngeldigVeld(checker.0));
    }
    let (zaaknummer, medewerker) = (request.zaaknummer.clone(), request.medewerker.clone());
    Ok(Zoekvraag { persoon, zaaknummer, loket, medewerker })
}

/// A person to look for: by SKN, BSN, or name and whole date of birth.
pub fn zoekpersoon(persoon: &proto::Zoekpersoon, checker: &mut Checker) -> Persoon {
    let proto::Zoekpersoon { skn, bsn, naam, geboortedatum } = persoon;
    checker.skn("persoon.skn", skn.as_deref());
    let bsn = checker.bsn("persoon.bsn", bsn.as_deref());
    if let Some(naam) = naam {
        checker.text("persoon.naam", naam, 1..=200);
    }
    if naam.is_some() != geboortedatum.is_some() {
        checker.wrong("persoon", "bij een naam ook de hele geboortedatum, en andersom; of zoek op skn of bsn");
    }
    if geboortedatum.as_deref().is_some_and(|text| civil_date(text).is_none()) {
        checker.wrong("persoon.geboortedatum", "een hele datum als 1987-05-12; zoek anders op skn of bsn");
    }
    let (naam, geboortedatum) = (naam.clone().unwrap_or_default(), geboortedatum.clone().unwrap_or_default());
    let persoon = Persoon { skn: skn.clone(), bsn, naam, geboortedatum, hoofdpersoon: true };
    if persoon.kenmerken().is_empty() && checker.0.is_empty() {
        checker.wrong("persoon", "een skn, een bsn, of een naam met geboortedatum");
    }
    persoon
}
