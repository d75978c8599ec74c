//! Woorden (words): what stands in the logboek, for people who are no partner. In Dutch that most people read with ease (level B1).

use crate::domain::Berichtsoort;

/// What a bericht is, after "een bericht:".
pub(super) fn bericht(soort: Berichtsoort) -> &'static str {
    match soort {
        Berichtsoort::Bekendheidscheck => "de vraag of u bekend bent",
        Berichtsoort::Bekendheidsantwoord => "het antwoord op de vraag of u bekend bent",
        Berichtsoort::Contextinformatieverzoek => {
            "de vraag om informatie over uw situatie, voor een beslissing in een strafzaak"
        }
        Berichtsoort::Contextinformatie => "informatie over uw situatie, voor een beslissing in een strafzaak",
        Berichtsoort::Scenario => "een plan voor wat er moet gebeuren als er iets met u aan de hand is",
        Berichtsoort::Terugkoppeling => "wat er met het plan over u is gedaan",
        Berichtsoort::Melding18b => {
            "een melding dat er gevaar kan zijn voor u of voor anderen (art. 18b van de Penitentiaire beginselenwet)"
        }
        Berichtsoort::BijMelding => "de melding dat u terugkeert uit de gevangenis",
        Berichtsoort::Verrijkingsverzoek => "de vraag welke informatie een organisatie kan toevoegen",
        Berichtsoort::Verrijking => "informatie die een organisatie toevoegde",
        Berichtsoort::Buikpijnmelding => "een melding dat er zorg nodig kan zijn naast of in plaats van straf",
        Berichtsoort::Buikpijnbesluit => "wat er met die melding over zorg gebeurt",
        Berichtsoort::Afdoeningsbericht => "wat er in uw strafzaak is beslist",
        Berichtsoort::Reintegratiebericht => "informatie over wonen, werk, geld en zorg na uw detentie",
        Berichtsoort::Aanmelding => "de vraag om samen naar uw situatie te kijken (een aanmelding)",
        Berichtsoort::Triagebesluit => "het besluit of organisaties samen naar uw situatie kijken",
        Berichtsoort::Opschaling => "de vraag om uw situatie met meer organisaties te bespreken",
        Berichtsoort::Afschaling => "de melding dat dit niet meer met zoveel organisaties hoeft",
        Berichtsoort::MondelingeVerstrekking => {
            "de vastlegging van wat over u aan de telefoon of in een gesprek is gezegd"
        }
        Berichtsoort::Rectificatie => {
            "een verbetering van een eerder bericht, of de melding dat u het er niet mee eens bent"
        }
        Berichtsoort::Rectificatiebevestiging => "het antwoord op zo'n verbetering",
        Berichtsoort::Vernietigingsverzoek => "het verzoek om een eerder bericht te vernietigen",
        Berichtsoort::Vernietigingsbevestiging => "het antwoord op het verzoek om te vernietigen",
        Berichtsoort::Vervalwaarschuwing => "de waarschuwing van de poort dat een plan binnenkort niet meer geldt",
        Berichtsoort::Vervalmelding => "de melding van de poort dat een eerder bericht niet meer gebruikt mag worden",
        Berichtsoort::Schademelding => "de melding van de poort dat een bericht beschadigd was",
    }
}
