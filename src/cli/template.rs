//! `send --template SOORT`: a bericht to fill in, that the example convenant allows as it stands.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Failure, print_line};
use crate::{
    clock::SystemClock,
    domain::{Berichtsoort, Clock, houdbaarheid::amsterdam_date},
};

/// Prints the template of a berichtsoort.
///
/// # Errors
/// [`Failure::Usage`] naming the berichtsoorten that exist.
pub fn print(soort: &str) -> Result<(), Failure> {
    let soort: Berichtsoort = soort.parse().map_err(|()| {
        let all = Berichtsoort::ALL.map(Berichtsoort::as_str).join(", ");
        Failure::Usage(format!("{soort} is geen berichtsoort; er zijn: {all}"))
    })?;
    let text = serde_json::to_string_pretty(&template(soort, SystemClock.now())).expect("a JSON value always prints");
    print_line(&text)
}

/// A filled-in example about invented people.
pub(crate) fn template(soort: Berichtsoort, now: Timestamp) -> Value {
    let today = amsterdam_date(now);
    let yesterday = today.saturating_sub(1.day());
    let later = now.saturating_add(4.hours()).expect("hours are no calendar units");
    let (loket, ontvanger, mut inhoud) = match soort {
        Berichtsoort::Bekendheidscheck => (
            "volwassenen",
            "zvh-baronie-breda/algemeen",
            json!({"bekendheidscheck": {
            "zaaknummer": "ZSM-2026-000123", "antwoord_nodig_voor": later.to_string()}}),
        ),
        Berichtsoort::Bekendheidsantwoord => (
            "algemeen",
            "zsm/volwassenen",
            json!({"bekendheidsantwoord": {
            "uitkomst": "BEKENDHEID_UITKOMST_BEKEND"}}),
        ),
        Berichtsoort::Contextinformatieverzoek => (
            "volwassenen",
            "zvh-baronie-breda/algemeen",
            json!({"contextinformatieverzoek": {
                "zaaknummer": "ZSM-2026-000123", "verdenking": "bedreiging", "pleegdatum": yesterday.to_string(),
                "antwoord_nodig_voor": later.to_string()}}),
        ),
        Berichtsoort::Contextinformatie => (
            "algemeen",
            "zsm/volwassenen",
            json!({"peildatum": yesterday.to_string(),
            "contextinformatie": {
                "regievoerder": "procesregisseur ZVH", "advies": "betrek de wijk-GGZ bij de afdoening",
                "lopende_inzet": [{"organisatie": "wijkteam", "soort": "woonbegeleiding"}],
                "leefgebieden": [{"leefgebied": "huisvesting", "toelichting": "huur loopt door tot het voorjaar"}],
                "bron_partners": ["wijkteam"], "betrokkene_geinformeerd": "BETROKKENE_GEINFORMEERD_JA"}}),
        ),
        Berichtsoort::Scenario => (
            "algemeen",
            "zsm/volwassenen",
            json!({"peildatum": yesterday.to_string(), "scenario": {
            "als": "betrokkene wordt aangehouden voor huisvredebreuk", "dan": "bel de procesregisseur en stem de afdoening af",
            "niet_doen": "heenzenden zonder overdracht", "afgestemd_met": ["politie", "reclassering"]}}),
        ),
        Berichtsoort::Terugkoppeling => (
            "volwassenen",
            "zvh-baronie-breda/algemeen",
            json!({"terugkoppeling": {
            "gebruik": "SCENARIO_GEBRUIK_GEVOLGD", "afdoening": "strafbeschikking met voorwaarden"}}),
        ),
        Berichtsoort::Melding18b => (
            "bureau-18b",
            "zvh-baronie-breda/algemeen",
            json!({"melding_18b": {
            "inrichting": "PI Voorbeeld", "soort_risico": "SOORT_RISICO_ERNSTIG_GEWELD",
            "aanwijzingen": "uitlatingen op de afdeling", "noodzaak": "vertrek uit detentie binnen twee weken",
            "bedreigde_bekend": "BEDREIGDE_BEKEND_NEE"}}),
        ),
        Berichtsoort::BijMelding => (
            "algemeen",
            "zvh-baronie-breda/algemeen",
            json!({"bij_melding": {
            "gemeente": "Voorbeeldstad", "categorie": "BIJ_CATEGORIE_ERNSTIG_GEWELD",
            "datum_terugkeer": today.saturating_add(28.days()).to_string(),
            "soort_terugkeer": "SOORT_TERUGKEER_EINDE_DETENTIE"}}),
        ),
    };
    let common = json!({
        "betrokkenen": [{"rol": "BETROKKENE_ROL_HOOFDPERSOON", "naam": "Voorbeeld, Jan", "geboortedatum": "1987-05-12"}],
        "casusnummer_afzender": "CASUS-0001",
        "contact": {"functie": "procesregisseur", "telefoon": "076 000 0000"},
        "medewerker": "medewerker-001",
        "verder_verstrekken": "VERDER_VERSTREKKEN_VERBODEN",
    });
    if let (Value::Object(inhoud), Value::Object(common)) = (&mut inhoud, common) {
        inhoud.extend(common);
    }
    let (partner, ontvanger_loket) = ontvanger.split_once('/').expect("every address above has a loket");
    let mut bericht = json!({
        "loket": loket, "ontvangers": [{"partner": partner, "loket": ontvanger_loket}], "inhoud": inhoud,
    });
    if soort.answers().is_some() {
        bericht["in_antwoord_op"] = json!("00000000-0000-7000-8000-000000000000");
    }
    bericht
}
