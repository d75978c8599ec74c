//! From domain to proto: what is answered. The way in is `convert`.

use prost::Message;

use crate::{
    domain::{Adres, Berichtsoort, Correctie, Kenmerk, Stempel, Toestand, Vernietiging, Weigering},
    exchange::{
        Aanvaarding, Receipt, RedenIntrekking, VanDePoort,
        views::{
            BerichtView, Gebeurtenis, GevondenScenario, Handed, InGesprek, Ingetrokken, IngetrokkenAt,
            OpenTerugkoppeling, StandsAt, StatusView, Uitkomst,
        },
    },
    logboek::tijd,
    proto::{self, inhoud::Soort as Inhoud},
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
    let aanvaarding = |of: Aanvaarding| proto::Aanvaarding {
        ontvanger: Some(adres(&of.ontvanger)),
        stempel: Some(stempel(&of.stempel)),
        log_index: of.log_index,
        logboek_eerste: of.log_index - of.bewijs.index,
        bewijs: of.bewijs.to_string(),
    };
    proto::Ontvangstbewijs {
        bericht: receipt.bericht.to_string(),
        gesprek: receipt.gesprek.to_string(),
        tijd: tijd(receipt.tijd),
        aanvaardingen: receipt.aanvaardingen.into_iter().map(aanvaarding).collect(),
        inhoud_zout: receipt.inhoud_zout.to_vec(),
    }
}

/// A delivered bericht for the wire.
///
/// # Errors
/// When what was stored is no content of ours.
pub fn aflevering(handed: &Handed) -> Result<proto::Aflevering, Weigering> {
    let Handed { bericht: BerichtView { bericht, ontvanger, .. }, poging, opened, correcties } = handed;
    let inhoud = proto::Inhoud::decode(opened.inhoud.as_slice()).map_err(|_| {
        tracing::error!(%bericht, "stored content does not decode");
        Weigering::NietBeschikbaar
    })?;
    Ok(proto::Aflevering {
        bericht: bericht.to_string(),
        gesprek: handed.bericht.gesprek.to_string(),
        afzender: Some(adres(&handed.bericht.afzender)),
        ontvanger: Some(adres(ontvanger)),
        berichtsoort: handed.bericht.soort.to_string(),
        tijd: tijd(handed.bericht.tijd),
        in_antwoord_op: handed.bericht.in_antwoord_op.map(|id| id.to_string()),
        stempel: Some(stempel(&handed.bericht.stempel)),
        poging: *poging,
        log_index: handed.bericht.log_index,
        inhoud: Some(inhoud),
        inhoud_zout: opened.zout.to_vec(),
        vervangt: handed.bericht.vervangt.map(|id| id.to_string()),
        correcties: correcties.iter().map(correctie).collect(),
    })
}

/// Where a bericht stands, for the wire.
#[must_use]
pub fn status(view: StatusView) -> proto::GetStatusResponse {
    proto::GetStatusResponse {
        bericht: view.bericht.to_string(),
        gesprek: view.gesprek.to_string(),
        berichtsoort: view.soort.to_string(),
        afzender: Some(adres(&view.afzender)),
        tijd: tijd(view.tijd),
        in_antwoord_op: view.in_antwoord_op.map(|id| id.to_string()),
        ontvangers: view.ontvangers.iter().map(status_ontvanger).collect(),
        tijdlijn: view.tijdlijn.into_iter().map(gebeurtenis).collect(),
        vervangt: view.vervangt.map(|id| id.to_string()),
        vervangen_door: view.vervangen_door.map(|id| id.to_string()),
        correcties: view.correcties.iter().map(correctie).collect(),
        gesprek_berichten: view.gesprek_berichten.iter().map(gesprek_bericht).collect(),
        tijdlijn_verder: view.tijdlijn_verder,
        gesprek_verder: view.gesprek_verder,
    }
}

fn gesprek_bericht(of: &InGesprek) -> proto::GesprekBericht {
    proto::GesprekBericht {
        bericht: of.bericht.to_string(),
        berichtsoort: of.soort.to_string(),
        afzender: Some(adres(&of.afzender)),
        ontvangers: of.ontvangers.iter().map(adres).collect(),
        tijd: tijd(of.tijd),
        in_antwoord_op: of.in_antwoord_op.map(|id| id.to_string()),
        vervangt: of.vervangt.map(|id| id.to_string()),
    }
}

fn correctie(correctie: &Correctie) -> proto::Correctie {
    proto::Correctie { bericht: correctie.bericht.to_string(), tijd: tijd(correctie.tijd), betwist: correctie.betwist }
}

/// What a withdrawal did, for the wire.
#[must_use]
pub fn withdrawn(withdrawn: Ingetrokken) -> proto::WithdrawResponse {
    let intrekking = |IngetrokkenAt { ontvanger, uitkomst, log_index }: IngetrokkenAt| proto::Intrekking {
        ontvanger: Some(adres(&ontvanger)),
        uitkomst: match uitkomst {
            Uitkomst::NietBereikbaar => proto::IntrekkingUitkomst::NietBereikbaar,
            Uitkomst::Ingetrokken => proto::IntrekkingUitkomst::Ingetrokken,
            Uitkomst::VernietigingGevraagd => proto::IntrekkingUitkomst::VernietigingGevraagd,
            Uitkomst::WasBeeindigd => proto::IntrekkingUitkomst::WasBeeindigd,
        }
        .into(),
        log_index,
    };
    proto::WithdrawResponse {
        intrekkingen: withdrawn.ontvangers.into_iter().map(intrekking).collect(),
        vernietigingsverzoek: withdrawn.vernietigingsverzoek.map(|id| id.to_string()),
    }
}

/// What was found, for the wire.
#[must_use]
pub fn gevonden(gevonden: Vec<GevondenScenario>) -> proto::FindScenarioResponse {
    let scenario = |found: GevondenScenario| proto::GevondenScenario {
        bericht: found.bericht.bericht.to_string(),
        gesprek: found.bericht.gesprek.to_string(),
        afzender: Some(adres(&found.bericht.afzender)),
        ontvanger: Some(adres(&found.bericht.ontvanger)),
        tijd: tijd(found.bericht.tijd),
        houdbaar_tot_en_met: found.bericht.stempel.houdbaar_tot_en_met.to_string(),
        kenmerk: herkend(found.kenmerk).into(),
        hoofdpersoon: found.hoofdpersoon,
        correcties: found.correcties.iter().map(correctie).collect(),
        beschadigd: found.beschadigd,
    };
    proto::FindScenarioResponse { scenarios: gevonden.into_iter().map(scenario).collect() }
}

/// By what somebody was recognised.
pub(super) fn herkend(kenmerk: Kenmerk) -> proto::Kenmerk {
    match kenmerk {
        Kenmerk::Skn => proto::Kenmerk::Skn,
        Kenmerk::Bsn => proto::Kenmerk::Bsn,
        Kenmerk::NaamGeboortedatum => proto::Kenmerk::NaamGeboortedatum,
        // Nobody is found by a name alone.
        Kenmerk::Naam => proto::Kenmerk::Unspecified,
    }
}

/// A consulted scenario that waits for a terugkoppeling, for the wire.
#[must_use]
pub fn open_terugkoppeling(open: &OpenTerugkoppeling) -> proto::OpenTerugkoppeling {
    proto::OpenTerugkoppeling {
        bericht: open.bericht.to_string(),
        ontvanger: Some(adres(&open.ontvanger)),
        geraadpleegd: tijd(open.sinds),
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

fn status_ontvanger(at: &StandsAt) -> proto::StatusOntvanger {
    let toestand = match at.toestand {
        // To the world an answer waits, whoever it is kept for.
        Toestand::Wacht | Toestand::Gereserveerd => proto::Toestand::Wacht,
        Toestand::Afgeleverd => proto::Toestand::Afgeleverd,
        Toestand::Bevestigd => proto::Toestand::Bevestigd,
        Toestand::Geweigerd => proto::Toestand::Geweigerd,
        Toestand::Vervallen => proto::Toestand::Vervallen,
        Toestand::Ingetrokken => proto::Toestand::Ingetrokken,
        Toestand::Vervangen => proto::Toestand::Vervangen,
        Toestand::Beschadigd => proto::Toestand::Beschadigd,
    };
    let vernietiging = match at.vernietiging {
        None => proto::VernietigingUitkomst::Unspecified,
        Some(Vernietiging::Vernietigd) => proto::VernietigingUitkomst::Vernietigd,
        Some(Vernietiging::InDossierOpgenomen) => proto::VernietigingUitkomst::InDossierOpgenomen,
        Some(Vernietiging::WettelijkeBewaarplicht) => proto::VernietigingUitkomst::WettelijkeBewaarplicht,
    };
    proto::StatusOntvanger {
        ontvanger: Some(adres(&at.ontvanger)),
        toestand: toestand.into(),
        stempel: Some(stempel(&at.stempel)),
        log_index: at.log_index,
        poging: at.poging,
        logboek_eerste: at.log_index - at.bewijs.index,
        bewijs: at.bewijs.to_string(),
        terugkoppeling_open_sinds: at.terugkoppeling_open.map(tijd),
        vernietiging: vernietiging.into(),
    }
}

fn gebeurtenis(Gebeurtenis { log_index, ontvanger, regel }: Gebeurtenis) -> proto::Gebeurtenis {
    proto::Gebeurtenis {
        tijd: regel.tijd,
        soort: regel.soort.as_str().to_owned(),
        ontvanger: Some(adres(&ontvanger)),
        log_index,
        weigering: regel.weigering,
    }
}
