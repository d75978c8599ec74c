//! Between proto and domain: the only code that sees both.

use aws_lc_rs::digest::{SHA256, digest};
use prost::Message;
use uuid::Uuid;

use super::content::{Checker, check};
use crate::{
    domain::{Adres, Bericht, BerichtId, LoketNaam, Stempel, Weigering},
    exchange::{Handed, Receipt, StatusView},
    logboek::{Logregel, Soort},
    proto,
    store::{PostvakRij, Toestand, tijd},
};

/// Content in bytes, at most.
const CONTENT_LIMIT: usize = 256 << 10;

/// Parses what a partner sends.
///
/// # Errors
/// [`Weigering::RequestIdOntbreekt`], [`Weigering::TeGroot`] or [`Weigering::OngeldigVeld`] with every field at once.
pub fn bericht(request: &proto::SendRequest) -> Result<Bericht, Weigering> {
    let request_id = request_id(&request.request_id)?;
    let mut checker = Checker::default();
    let loket = loket_or_default("loket", &request.loket, &mut checker);
    let ontvangers = ontvangers(&request.ontvangers, &mut checker);
    let in_antwoord_op = request.in_antwoord_op.as_ref().and_then(|text| {
        let id = uuid(text).map(BerichtId);
        if id.is_none() {
            checker.wrong("in_antwoord_op", "het id van een bericht, een UUID");
        }
        id
    });
    let houdbaar_tot_en_met =
        request.houdbaar_tot_en_met.as_ref().and_then(|text| checker.date("houdbaar_tot_en_met", text));
    if let Some(grondslag) = &request.grondslag {
        checker.text("grondslag", grondslag, 1..=64);
    }
    let empty = proto::Inhoud::default();
    let inhoud = request.inhoud.as_ref().unwrap_or(&empty);
    let facts = check(inhoud, &mut checker);
    let encoded = inhoud.encode_to_vec();
    if encoded.len() > CONTENT_LIMIT {
        return Err(Weigering::TeGroot);
    }
    let (Some(loket), Some(facts), true) = (loket, facts, checker.0.is_empty()) else {
        return Err(Weigering::OngeldigVeld(checker.0));
    };
    let vingerafdruk = vingerafdruk(request, &loket, &ontvangers, in_antwoord_op, &encoded);
    Ok(Bericht {
        request_id,
        vingerafdruk,
        loket,
        ontvangers,
        in_antwoord_op,
        houdbaar_tot_en_met,
        grondslag: request.grondslag.clone(),
        soort: facts.soort,
        geboortedatum: facts.geboortedatum.expect("a hoofdpersoon without a date of birth was noted as a mistake"),
        pleegdatum: facts.pleegdatum,
        categorie: facts.categorie,
        bevat_bsn: facts.bevat_bsn,
        peildatum: facts.peildatum,
        past_days: facts.past_days,
        antwoord_nodig_voor: facts.antwoord_nodig_voor,
        past_moments: facts.past_moments,
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
    in_antwoord_op: Option<BerichtId>,
    inhoud: &[u8],
) -> [u8; 32] {
    let meant = proto::SendRequest {
        // The fingerprint is looked up by it.
        request_id: String::new(),
        loket: loket.to_string(),
        ontvangers: ontvangers.iter().map(adres).collect(),
        in_antwoord_op: in_antwoord_op.map(|id| id.to_string()),
        houdbaar_tot_en_met: request.houdbaar_tot_en_met.clone(),
        grondslag: request.grondslag.clone(),
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

fn ontvangers(given: &[proto::Adres], checker: &mut Checker) -> Vec<Adres> {
    if !(1..=32).contains(&given.len()) {
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

/// An address for the wire.
#[must_use]
pub fn adres(adres: &Adres) -> proto::Adres {
    proto::Adres { partner: adres.partner.to_string(), loket: adres.loket.to_string() }
}

fn stempel(stempel: &Stempel) -> proto::Stempel {
    proto::Stempel {
        grondslag: stempel.grondslag.clone(),
        regel: stempel.regel.clone(),
        convenant: stempel.convenant.clone(),
        verwerkingsactiviteit: stempel.verwerkingsactiviteit.clone(),
        houdbaar_tot_en_met: stempel.houdbaar_tot_en_met.to_string(),
    }
}

/// A receipt for the wire.
#[must_use]
pub fn ontvangstbewijs(receipt: Receipt) -> proto::Ontvangstbewijs {
    proto::Ontvangstbewijs {
        bericht: receipt.bericht.to_string(),
        gesprek: receipt.gesprek.to_string(),
        tijd: tijd(receipt.micros),
        aanvaardingen: receipt
            .aanvaardingen
            .into_iter()
            .map(|aanvaarding| proto::Aanvaarding {
                ontvanger: Some(adres(&aanvaarding.ontvanger)),
                stempel: Some(stempel(&aanvaarding.stempel)),
                log_index: aanvaarding.bewijs.index,
                bewijs: aanvaarding.bewijs.to_string(),
            })
            .collect(),
        inhoud_zout: receipt.inhoud_zout.to_vec(),
    }
}

/// A delivered bericht for the wire.
///
/// # Errors
/// When what was stored is no content of ours.
pub fn aflevering(handed: &Handed) -> Result<proto::Aflevering, Weigering> {
    let Handed { rij, opened } = handed;
    let inhoud = proto::Inhoud::decode(opened.inhoud.as_slice()).map_err(|_| {
        tracing::error!(bericht = %rij.bericht, "stored content does not decode");
        Weigering::NietBeschikbaar
    })?;
    Ok(proto::Aflevering {
        bericht: rij.bericht.to_string(),
        gesprek: rij.gesprek.to_string(),
        afzender: Some(adres(&rij.afzender)),
        ontvanger: Some(adres(&rij.ontvanger)),
        berichtsoort: rij.soort.to_string(),
        tijd: tijd(rij.micros),
        in_antwoord_op: rij.in_antwoord_op.map(|id| id.to_string()),
        stempel: Some(stempel(&rij.stempel)),
        poging: rij.poging,
        log_index: rij.log_index,
        inhoud: Some(inhoud),
        inhoud_zout: opened.zout.to_vec(),
    })
}

/// Where a bericht stands, for the wire.
#[must_use]
pub fn status(view: StatusView) -> proto::GetStatusResponse {
    let ontvangers = view.ontvangers.iter().map(|(rij, bewijs)| status_ontvanger(rij, bewijs)).collect();
    let tijdlijn =
        view.tijdlijn.into_iter().map(|(index, ontvanger, regel)| gebeurtenis(index, ontvanger.as_ref(), regel));
    proto::GetStatusResponse {
        bericht: view.bericht.to_string(),
        gesprek: view.gesprek.to_string(),
        berichtsoort: view.soort.to_string(),
        afzender: Some(adres(&view.afzender)),
        tijd: tijd(view.micros),
        in_antwoord_op: view.in_antwoord_op.map(|id| id.to_string()),
        ontvangers,
        tijdlijn: tijdlijn.collect(),
    }
}

fn status_ontvanger(rij: &PostvakRij, bewijs: &str) -> proto::StatusOntvanger {
    let toestand = match rij.toestand {
        // Reserved for a waiting Ask and never handed out: to the world it waits.
        Toestand::Afgeleverd if rij.poging == 0 => proto::Toestand::Wacht,
        Toestand::Wacht => proto::Toestand::Wacht,
        Toestand::Afgeleverd => proto::Toestand::Afgeleverd,
        Toestand::Bevestigd => proto::Toestand::Bevestigd,
        Toestand::Geweigerd => proto::Toestand::Geweigerd,
        Toestand::Vervallen => proto::Toestand::Vervallen,
    };
    proto::StatusOntvanger {
        ontvanger: Some(adres(&rij.ontvanger)),
        toestand: toestand.into(),
        stempel: Some(stempel(&rij.stempel)),
        log_index: rij.log_index,
        poging: rij.poging,
        bewijs: bewijs.to_owned(),
    }
}

fn gebeurtenis(log_index: u64, ontvanger: Option<&Adres>, regel: Logregel) -> proto::Gebeurtenis {
    let weigering = if regel.soort == Soort::Geweigerd { regel.weigering } else { None };
    proto::Gebeurtenis {
        tijd: regel.tijd,
        soort: regel.soort.as_str().to_owned(),
        ontvanger: ontvanger.map(adres),
        log_index,
        weigering,
    }
}
