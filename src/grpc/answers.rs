//! From domain to proto: what is answered. The way in is in `convert`; no other code sees both.

use prost::Message;

use crate::{
    domain::{Adres, Berichtsoort, Kenmerk, Stempel, Vernietiging, Weigering},
    exchange::{Gevonden, Handed, Receipt, RedenIntrekking, StatusView, Uitkomst, VanDePoort},
    logboek::{Logregel, Soort},
    proto::{self, inhoud::Soort as Inhoud},
    store::{Correctie, Found, PostvakRij, Toestand, Withdrawn, tijd},
};

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
    let Handed { rij, opened, correcties } = handed;
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
        vervangt: rij.vervangt.map(|id| id.to_string()),
        correcties: correcties.iter().map(correctie).collect(),
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
        vervangt: view.vervangt.map(|id| id.to_string()),
        vervangen_door: view.vervangen_door.map(|id| id.to_string()),
        correcties: view.correcties.iter().map(correctie).collect(),
        gesprek_berichten: view.gesprek_berichten.iter().map(|rijen| gesprek_bericht(rijen)).collect(),
    }
}

fn gesprek_bericht(rijen: &[PostvakRij]) -> proto::GesprekBericht {
    let rij = rijen.first().expect("a bericht has an ontvanger");
    proto::GesprekBericht {
        bericht: rij.bericht.to_string(),
        berichtsoort: rij.soort.to_string(),
        afzender: Some(adres(&rij.afzender)),
        ontvangers: rijen.iter().map(|rij| adres(&rij.ontvanger)).collect(),
        tijd: tijd(rij.micros),
        in_antwoord_op: rij.in_antwoord_op.map(|id| id.to_string()),
        vervangt: rij.vervangt.map(|id| id.to_string()),
    }
}

fn correctie(correctie: &Correctie) -> proto::Correctie {
    proto::Correctie {
        bericht: correctie.bericht.to_string(),
        tijd: tijd(correctie.micros),
        betwist: correctie.betwist,
    }
}

/// What a withdrawal did, for the wire.
#[must_use]
pub fn withdrawn(withdrawn: &Withdrawn) -> proto::WithdrawResponse {
    let intrekking = |(rij, by): &(PostvakRij, Option<(u64, Soort)>)| proto::Intrekking {
        ontvanger: Some(adres(&rij.ontvanger)),
        uitkomst: match Uitkomst::of(rij, by.map(|(_, soort)| soort)) {
            Uitkomst::NietBereikbaar => proto::IntrekkingUitkomst::NietBereikbaar,
            Uitkomst::Ingetrokken => proto::IntrekkingUitkomst::Ingetrokken,
            Uitkomst::VernietigingGevraagd => proto::IntrekkingUitkomst::VernietigingGevraagd,
            Uitkomst::WasBeeindigd => proto::IntrekkingUitkomst::WasBeeindigd,
        }
        .into(),
        log_index: by.map_or(rij.stand, |(index, _)| index),
    };
    proto::WithdrawResponse {
        intrekkingen: withdrawn.rijen.iter().map(intrekking).collect(),
        vernietigingsverzoek: withdrawn.vernietigingsverzoek.as_ref().map(|(id, _)| id.to_string()),
    }
}

/// What was found, for the wire.
#[must_use]
pub fn gevonden(gevonden: &Gevonden) -> proto::FindScenarioResponse {
    let scenario = |Found { rij, kenmerk, hoofdpersoon }: &Found| proto::GevondenScenario {
        bericht: rij.bericht.to_string(),
        gesprek: rij.gesprek.to_string(),
        afzender: Some(adres(&rij.afzender)),
        ontvanger: Some(adres(&rij.ontvanger)),
        tijd: tijd(rij.micros),
        houdbaar_tot_en_met: rij.stempel.houdbaar_tot_en_met.to_string(),
        kenmerk: match kenmerk {
            Kenmerk::Skn => proto::Kenmerk::Skn,
            Kenmerk::Bsn => proto::Kenmerk::Bsn,
            Kenmerk::NaamGeboortedatum => proto::Kenmerk::NaamGeboortedatum,
            // Nobody is found by a name alone.
            Kenmerk::Naam => proto::Kenmerk::Unspecified,
        }
        .into(),
        hoofdpersoon: *hoofdpersoon,
        correcties: gevonden.correcties.get(&rij.bericht).into_iter().flatten().map(correctie).collect(),
        beschadigd: rij.toestand == Toestand::Beschadigd,
    };
    proto::FindScenarioResponse { scenarios: gevonden.scenarios.iter().map(scenario).collect() }
}

/// A consulted scenario that waits for a terugkoppeling, for the wire.
#[must_use]
pub fn open_terugkoppeling(rij: &PostvakRij) -> proto::OpenTerugkoppeling {
    proto::OpenTerugkoppeling {
        bericht: rij.bericht.to_string(),
        ontvanger: Some(adres(&rij.ontvanger)),
        geraadpleegd: rij.terugkoppeling_open.map(tijd).unwrap_or_default(),
    }
}

/// What the gateway itself says, as content.
#[must_use]
pub fn van_de_poort(says: &VanDePoort) -> Vec<u8> {
    let (bericht, berichtsoort) = (says.bericht.to_string(), says.over.to_string());
    let houdbaar_tot_en_met = says.houdbaar_tot_en_met.to_string();
    let soort = match says.soort {
        Berichtsoort::Vervalwaarschuwing => {
            Inhoud::Vervalwaarschuwing(proto::Vervalwaarschuwing { bericht, berichtsoort, houdbaar_tot_en_met })
        }
        Berichtsoort::Vervalmelding => {
            Inhoud::Vervalmelding(proto::Vervalmelding { bericht, berichtsoort, houdbaar_tot_en_met })
        }
        Berichtsoort::Schademelding => {
            let ontvanger = says.ontvanger.as_ref().map(ToString::to_string).unwrap_or_default();
            Inhoud::Schademelding(proto::Schademelding { bericht, berichtsoort, ontvanger })
        }
        _ => {
            let reden = says.reden.map_or(proto::RedenIntrekking::Unspecified, reden_intrekking).into();
            Inhoud::Vernietigingsverzoek(proto::Vernietigingsverzoek { bericht, berichtsoort, reden })
        }
    };
    proto::Inhoud { soort: Some(soort), ..proto::Inhoud::default() }.encode_to_vec()
}

fn reden_intrekking(reden: RedenIntrekking) -> proto::RedenIntrekking {
    match reden {
        RedenIntrekking::CasusGesloten => proto::RedenIntrekking::CasusGesloten,
        RedenIntrekking::Onjuist => proto::RedenIntrekking::Onjuist,
        RedenIntrekking::VerkeerdGeadresseerd => proto::RedenIntrekking::VerkeerdGeadresseerd,
        RedenIntrekking::Anders => proto::RedenIntrekking::Anders,
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
        Toestand::Ingetrokken => proto::Toestand::Ingetrokken,
        Toestand::Vervangen => proto::Toestand::Vervangen,
        Toestand::Beschadigd => proto::Toestand::Beschadigd,
    };
    proto::StatusOntvanger {
        ontvanger: Some(adres(&rij.ontvanger)),
        toestand: toestand.into(),
        stempel: Some(stempel(&rij.stempel)),
        log_index: rij.log_index,
        poging: rij.poging,
        bewijs: bewijs.to_owned(),
        terugkoppeling_open_sinds: rij.terugkoppeling_open.map(tijd),
        vernietiging: match rij.vernietiging {
            None => proto::VernietigingUitkomst::Unspecified,
            Some(Vernietiging::Vernietigd) => proto::VernietigingUitkomst::Vernietigd,
            Some(Vernietiging::InDossierOpgenomen) => proto::VernietigingUitkomst::InDossierOpgenomen,
            Some(Vernietiging::WettelijkeBewaarplicht) => proto::VernietigingUitkomst::WettelijkeBewaarplicht,
        }
        .into(),
    }
}

fn gebeurtenis(log_index: u64, ontvanger: Option<&Adres>, regel: Logregel) -> proto::Gebeurtenis {
    proto::Gebeurtenis {
        tijd: regel.tijd,
        soort: regel.soort.as_str().to_owned(),
        ontvanger: ontvanger.map(adres),
        log_index,
        weigering: regel.weigering,
    }
}
