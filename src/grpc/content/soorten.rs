//! The fields of each berichtsoort, one function each. What is asked of them stands in `inhoud.proto`.

use std::ops::RangeInclusive;

use jiff::{Timestamp, civil::Date};

use super::Checker;
use crate::{
    domain::{Feiten, Vernietiging},
    proto::{
        self, Basisvoorwaarde, BetrokkeneGeinformeerd, BuikpijnUitkomst, RectificatieUitkomst, ScenarioGebruik,
        TriageUitkomst, VernietigingUitkomst, inhoud::Soort,
    },
};

/// Checks one berichtsoort, and notes what the gateway must know of it.
pub(super) fn check(soort: &Soort, facts: &mut Feiten, checker: &mut Checker) {
    match soort {
        Soort::Bekendheidscheck(check) => bekendheidscheck(check, facts, checker),
        Soort::Bekendheidsantwoord(antwoord) => bekendheidsantwoord(*antwoord, checker),
        Soort::Contextinformatieverzoek(verzoek) => contextinformatieverzoek(verzoek, facts, checker),
        Soort::Contextinformatie(context) => contextinformatie(context, checker),
        Soort::Scenario(scenario_) => scenario(scenario_, facts, checker),
        Soort::Terugkoppeling(terug) => terugkoppeling(terug, checker),
        Soort::Melding18b(melding) => melding_18b(melding, checker),
        Soort::BijMelding(melding) => bij_melding(melding, checker),
        Soort::Verrijkingsverzoek(verzoek) => verrijkingsverzoek(verzoek, facts, checker),
        Soort::Verrijking(verrijking_) => verrijking(verrijking_, checker),
        Soort::Buikpijnmelding(melding) => buikpijnmelding(melding, checker),
        Soort::Buikpijnbesluit(besluit) => buikpijnbesluit(besluit, checker),
        Soort::Afdoeningsbericht(bericht) => afdoeningsbericht(bericht, facts, checker),
        Soort::Reintegratiebericht(bericht) => reintegratiebericht(bericht, checker),
        Soort::Aanmelding(aanmelding_) => aanmelding(aanmelding_, checker),
        Soort::Triagebesluit(besluit) => triagebesluit(besluit, checker),
        Soort::Opschaling(opschaling_) => opschaling(opschaling_, checker),
        Soort::Afschaling(afschaling_) => afschaling(afschaling_, checker),
        Soort::MondelingeVerstrekking(gegeven) => mondelinge_verstrekking(gegeven, facts, checker),
        Soort::Rectificatie(rectificatie_) => rectificatie(rectificatie_, facts, checker),
        Soort::Rectificatiebevestiging(bevestiging) => rectificatiebevestiging(bevestiging, checker),
        Soort::Vernietigingsbevestiging(bevestiging) => vernietigingsbevestiging(bevestiging, facts, checker),
        // `convert` refuses them from partners; the gateway fills them in itself.
        Soort::Vernietigingsverzoek(_)
        | Soort::Vervalwaarschuwing(_)
        | Soort::Vervalmelding(_)
        | Soort::Schademelding(_) => {}
    }
}

fn bekendheidscheck(check: &proto::Bekendheidscheck, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.bekendheidscheck");
    velden.text("zaaknummer", &check.zaaknummer, 1..=64);
    facts.antwoord_nodig_voor = velden.moment("antwoord_nodig_voor", &check.antwoord_nodig_voor);
}

fn bekendheidsantwoord(antwoord: proto::Bekendheidsantwoord, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.bekendheidsantwoord");
    velden.choice::<proto::BekendheidUitkomst>("uitkomst", antwoord.uitkomst);
}

fn contextinformatieverzoek(verzoek: &proto::Contextinformatieverzoek, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.contextinformatieverzoek");
    velden.text("zaaknummer", &verzoek.zaaknummer, 1..=64);
    velden.text("verdenking", &verzoek.verdenking, 1..=500);
    facts.pleegdatum = velden.past_day("pleegdatum", &verzoek.pleegdatum, facts);
    facts.antwoord_nodig_voor = velden.moment("antwoord_nodig_voor", &verzoek.antwoord_nodig_voor);
}

fn contextinformatie(context: &proto::Contextinformatie, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.contextinformatie");
    velden.text("regievoerder", &context.regievoerder, 1..=200);
    velden.count("lopende_inzet", context.lopende_inzet.len(), 0..=32);
    for (at, inzet) in context.lopende_inzet.iter().take(32).enumerate() {
        velden.text(&format!("lopende_inzet[{at}].organisatie"), &inzet.organisatie, 1..=200);
        velden.text(&format!("lopende_inzet[{at}].soort"), &inzet.soort, 1..=200);
    }
    velden.count("leefgebieden", context.leefgebieden.len(), 0..=16);
    for (at, leefgebied) in context.leefgebieden.iter().take(16).enumerate() {
        velden.text(&format!("leefgebieden[{at}].leefgebied"), &leefgebied.leefgebied, 1..=100);
        velden.text(&format!("leefgebieden[{at}].toelichting"), &leefgebied.toelichting, 1..=500);
    }
    velden.optional_text("advies", context.advies.as_ref(), 2000);
    velden.organisations("bron_partners", &context.bron_partners);
    if let Some(grond) = context.grond_geheimhouding {
        velden.choice::<proto::GrondGeheimhouding>("grond_geheimhouding", grond);
    }
    velden.choice::<BetrokkeneGeinformeerd>("betrokkene_geinformeerd", context.betrokkene_geinformeerd);
    let postponed = context.betrokkene_geinformeerd() == BetrokkeneGeinformeerd::Uitgesteld;
    let why = postponed.then_some("waarom de betrokkene later wordt geinformeerd");
    velden.needed_text("grond_uitstel", context.grond_uitstel.as_ref(), 500, why);
}

fn scenario(scenario: &proto::Scenario, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.scenario");
    velden.text("als", &scenario.als, 1..=1000);
    velden.text("dan", &scenario.dan, 1..=2000);
    velden.optional_text("niet_doen", scenario.niet_doen.as_ref(), 1000);
    velden.optional_text("buiten_kantoortijd", scenario.buiten_kantoortijd.as_ref(), 1000);
    velden.organisations("afgestemd_met", &scenario.afgestemd_met);
    if let Some(day) = &scenario.actualiteit_getoetst_op {
        facts.actualiteit_getoetst_op = velden.past_day("actualiteit_getoetst_op", day, facts);
    }
}

fn terugkoppeling(terug: &proto::Terugkoppeling, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.terugkoppeling");
    velden.choice::<ScenarioGebruik>("gebruik", terug.gebruik);
    let partly = matches!(terug.gebruik(), ScenarioGebruik::Deels | ScenarioGebruik::Niet);
    let why = partly.then_some("waarom het scenario deels of niet gevolgd is");
    velden.needed_text("reden", terug.reden.as_ref(), 1000, why);
    velden.optional_text("afdoening", terug.afdoening.as_ref(), 500);
}

fn melding_18b(melding: &proto::Melding18b, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.melding_18b");
    velden.text("inrichting", &melding.inrichting, 1..=200);
    velden.choice::<proto::SoortRisico>("soort_risico", melding.soort_risico);
    velden.text("aanwijzingen", &melding.aanwijzingen, 1..=4000);
    velden.text("noodzaak", &melding.noodzaak, 1..=1000);
    velden.choice::<proto::BedreigdeBekend>("bedreigde_bekend", melding.bedreigde_bekend);
    velden.optional_text("namens_burgemeester", melding.namens_burgemeester.as_ref(), 200);
}

fn bij_melding(melding: &proto::BijMelding, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.bij_melding");
    velden.text("gemeente", &melding.gemeente, 1..=100);
    velden.choice::<proto::BijCategorie>("categorie", melding.categorie);
    velden.date("datum_terugkeer", &melding.datum_terugkeer);
    velden.choice::<proto::SoortTerugkeer>("soort_terugkeer", melding.soort_terugkeer);
}

fn verrijkingsverzoek(verzoek: &proto::Verrijkingsverzoek, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.verrijkingsverzoek");
    velden.text("vraag", &verzoek.vraag, 1..=1000);
    facts.antwoord_nodig_voor = velden.moment("antwoord_nodig_voor", &verzoek.antwoord_nodig_voor);
}

fn verrijking(verrijking: &proto::Verrijking, checker: &mut Checker) {
    checker.below("inhoud.verrijking").text("toelichting", &verrijking.toelichting, 1..=2000);
}

fn buikpijnmelding(melding: &proto::Buikpijnmelding, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.buikpijnmelding");
    velden.text("zorgsignaal", &melding.zorgsignaal, 1..=1000);
    velden.choice::<proto::StrafzaakLooptDoor>("strafzaak_loopt_door", melding.strafzaak_loopt_door);
}

fn buikpijnbesluit(besluit: &proto::Buikpijnbesluit, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.buikpijnbesluit");
    velden.choice::<BuikpijnUitkomst>("uitkomst", besluit.uitkomst);
    let passed_on = besluit.uitkomst() == BuikpijnUitkomst::Doorgezet;
    let to_whom = passed_on.then_some("de organisatie waaraan is doorgezet");
    velden.needed_text("doorgezet_naar", besluit.doorgezet_naar.as_ref(), 200, to_whom);
}

fn afdoeningsbericht(bericht: &proto::Afdoeningsbericht, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.afdoeningsbericht");
    velden.text("zaaknummer", &bericht.zaaknummer, 1..=64);
    velden.text("afdoening", &bericht.afdoening, 1..=500);
    velden.past_day("datum", &bericht.datum, facts);
    velden.optional_text("voorwaarden", bericht.voorwaarden.as_ref(), 1000);
}

fn reintegratiebericht(bericht: &proto::Reintegratiebericht, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.reintegratiebericht");
    velden.date("datum_einde_detentie", &bericht.datum_einde_detentie);
    velden.choice::<Basisvoorwaarde>("identiteitsbewijs", bericht.identiteitsbewijs);
    velden.choice::<Basisvoorwaarde>("inkomen", bericht.inkomen);
    velden.choice::<Basisvoorwaarde>("huisvesting", bericht.huisvesting);
    velden.choice::<Basisvoorwaarde>("schulden", bericht.schulden);
    velden.choice::<Basisvoorwaarde>("zorg", bericht.zorg);
}

fn aanmelding(aanmelding: &proto::Aanmelding, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.aanmelding");
    velden.text("aanleiding", &aanmelding.aanleiding, 1..=1000);
    velden.organisations("betrokken_organisaties", &aanmelding.betrokken_organisaties);
}

fn triagebesluit(besluit: &proto::Triagebesluit, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.triagebesluit");
    velden.choice::<TriageUitkomst>("uitkomst", besluit.uitkomst);
    let refused = besluit.uitkomst() == TriageUitkomst::Afgewezen;
    let why = refused.then_some("waarom het ZVH de casus niet aanneemt");
    velden.needed_text("reden", besluit.reden.as_ref(), 1000, why);
    let referred = besluit.uitkomst() == TriageUitkomst::Doorverwezen;
    let to_whom = referred.then_some("de organisatie waarnaar is verwezen");
    velden.needed_text("doorverwezen_naar", besluit.doorverwezen_naar.as_ref(), 200, to_whom);
}

fn opschaling(opschaling: &proto::Opschaling, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.opschaling");
    velden.text("reden", &opschaling.reden, 1..=1000);
    velden.text("gevraagd", &opschaling.gevraagd, 1..=1000);
}

fn afschaling(afschaling: &proto::Afschaling, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.afschaling");
    velden.text("reden", &afschaling.reden, 1..=1000);
    velden.text("regievoerder", &afschaling.regievoerder, 1..=200);
    velden.optional_text("afspraken", afschaling.afspraken.as_ref(), 2000);
}

fn mondelinge_verstrekking(gegeven: &proto::MondelingeVerstrekking, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.mondelinge_verstrekking");
    facts.gegeven_op = velden.past_moment("moment", &gegeven.moment, facts);
    velden.text("aan_functie", &gegeven.aan_functie, 1..=100);
    velden.text("samenvatting", &gegeven.samenvatting, 1..=500);
    velden.text("reden_mondeling", &gegeven.reden_mondeling, 1..=200);
}

fn rectificatie(rectificatie: &proto::Rectificatie, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.rectificatie");
    velden.choice::<proto::RectificatieAard>("aard", rectificatie.aard);
    velden.text("toelichting", &rectificatie.toelichting, 1..=2000);
    facts.betwist = rectificatie.aard() == proto::RectificatieAard::Betwist;
}

fn rectificatiebevestiging(bevestiging: &proto::Rectificatiebevestiging, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.rectificatiebevestiging");
    velden.choice::<RectificatieUitkomst>("uitkomst", bevestiging.uitkomst);
    let refused = bevestiging.uitkomst() == RectificatieUitkomst::NietVerwerkt;
    let why = refused.then_some("waarom de rectificatie niet is overgenomen");
    velden.needed_text("reden", bevestiging.reden.as_ref(), 1000, why);
}

fn vernietigingsbevestiging(bevestiging: &proto::Vernietigingsbevestiging, facts: &mut Feiten, checker: &mut Checker) {
    let mut velden = checker.below("inhoud.vernietigingsbevestiging");
    velden.choice::<VernietigingUitkomst>("uitkomst", bevestiging.uitkomst);
    facts.vernietiging = match bevestiging.uitkomst() {
        VernietigingUitkomst::Unspecified => None,
        VernietigingUitkomst::Vernietigd => Some(Vernietiging::Vernietigd),
        VernietigingUitkomst::InDossierOpgenomen => Some(Vernietiging::InDossierOpgenomen),
        VernietigingUitkomst::WettelijkeBewaarplicht => Some(Vernietiging::WettelijkeBewaarplicht),
    };
    let kept = facts.vernietiging.is_some_and(|uitkomst| uitkomst != Vernietiging::Vernietigd);
    let why = kept.then_some("het dossier of de wet waardoor de inhoud bewaard blijft");
    velden.needed_text("grond", bevestiging.grond.as_ref(), 500, why);
}

/// The fields of one message, which share the beginning of their path.
struct Velden<'c> {
    checker: &'c mut Checker,
    below: &'static str,
}

impl Checker {
    fn below(&mut self, below: &'static str) -> Velden<'_> {
        Velden { checker: self, below }
    }
}

impl Velden<'_> {
    fn path(&self, veld: &str) -> String {
        format!("{}.{veld}", self.below)
    }

    fn text(&mut self, veld: &str, text: &str, length: RangeInclusive<usize>) {
        self.checker.text(&self.path(veld), text, length);
    }

    fn optional_text(&mut self, veld: &str, text: Option<&String>, most: usize) {
        if let Some(text) = text {
            self.text(veld, text, 1..=most);
        }
    }

    /// A text that must be there where `needed` says for what.
    fn needed_text(&mut self, veld: &str, text: Option<&String>, most: usize, needed: Option<&str>) {
        self.optional_text(veld, text, most);
        if let (None, Some(uitleg)) = (text, needed) {
            self.checker.wrong(&self.path(veld), uitleg);
        }
    }

    fn count(&mut self, veld: &str, count: usize, range: RangeInclusive<usize>) {
        self.checker.count(&self.path(veld), count, range);
    }

    /// 1 to 32 names of organisations.
    fn organisations(&mut self, veld: &str, names: &[String]) {
        self.count(veld, names.len(), 1..=32);
        for (at, name) in names.iter().take(32).enumerate() {
            self.text(&format!("{veld}[{at}]"), name, 1..=200);
        }
    }

    fn choice<T: TryFrom<i32>>(&mut self, veld: &str, value: i32) {
        self.checker.choice::<T>(&self.path(veld), value);
    }

    fn date(&mut self, veld: &str, text: &str) -> Option<Date> {
        self.checker.date(&self.path(veld), text)
    }

    fn moment(&mut self, veld: &str, text: &str) -> Option<Timestamp> {
        self.checker.moment(&self.path(veld), text)
    }

    /// A day that may not lie in the future.
    fn past_day(&mut self, veld: &str, text: &str, facts: &mut Feiten) -> Option<Date> {
        let day = self.date(veld, text)?;
        facts.past_days.push((self.path(veld), day));
        Some(day)
    }

    /// A moment that may not lie in the future.
    fn past_moment(&mut self, veld: &str, text: &str, facts: &mut Feiten) -> Option<Timestamp> {
        let moment = self.moment(veld, text)?;
        facts.past_moments.push((self.path(veld), moment));
        Some(moment)
    }
}
