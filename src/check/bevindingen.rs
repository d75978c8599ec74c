//! Bevindingen (findings): what deserves a second look in what holds together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{loketten, regels, samenloop};
use crate::{
    config::aanvaard::Aanvaardbaar,
    domain::{
        Adres, Adrespatroon, Berichtsoort, Convenant, Doelgroep, Mandaathouder, Regel, Status, VanKracht, Weigering,
        einde::{Einde, ends_soon},
        matrix::{each, open_patronen, patronen, routes},
    },
    lezen::fout::closed_list,
};

closed_list! {
    /// A warning. Some of those about certificates, lists and keys refuse a start: [`Waarschuwing::aanvaardbaar`].
    Waarschuwing {
        /// Two convenanten on one exchange.
        Overlap { uitwisseling: String, samenloop: String } = "overlap",
            "meer dan een convenant gaat over {uitwisseling}: {samenloop}. Het convenant dat de uitwisseling het langst zonder onderbreking toestaat stempelt. Is dat niet bedoeld, zet de uitwisseling dan in een convenant.",
            "more than one convenant speaks of {uitwisseling}: {samenloop}. The convenant that has allowed the exchange longest without a gap stamps. If that is not meant, put the exchange in one convenant.";
        /// A convenant behind one that is not there.
        StaatAchterOnbekend { convenant: String, naam: String } = "staat_achter_onbekend",
            "convenant {convenant} staat achter {naam}, en dat convenant is er niet. Controleer de naam, of laat het staan als {naam} later komt of is ingetrokken.",
            "convenant {convenant} stands behind {naam}, and there is no such convenant. Check the name, or leave it when {naam} comes later or was withdrawn.";
        /// Two rules of one convenant that say the same about one exchange.
        Overbodig { regel: String, andere: String } = "overbodig",
            "regel {regel} staat deels hetzelfde toe als regel {andere}, op dezelfde voorwaarden. Maak er een regel van, zodat een latere wijziging niet half gebeurt.",
            "rule {regel} partly allows the same as rule {andere}, on the same terms. Make them one rule, so that a later change is not made by half.";
        /// A rule that never gives a stamp.
        Onbereikbaar { regel: String, andere: String } = "onbereikbaar",
            "regel {regel} stempelt nooit een bericht: wat zij toestaat, staat altijd al {andere} toe, minstens zo ruim. Verwijder haar, of maak haar ruimer dan de andere.",
            "rule {regel} never stamps a bericht: what it allows is always allowed by {andere} already, at least as widely. Remove it, or make it wider than the other.";
        /// Who asks never hears.
        NooitBeantwoord { soort: String, antwoord: String, van: String, naar: String } = "nooit_beantwoord",
            "{van} mag {soort} sturen aan {naar}, en niemand daarvan mag met {antwoord} antwoorden. Voeg een regel voor {antwoord} van {naar} naar {van} toe.",
            "{van} may send {soort} to {naar}, but none of these may answer with {antwoord}. Add a rule for {antwoord} from {naar} to {van}.";
        /// No rule rests on it.
        GrondslagOngebruikt { grondslagen: String, convenant: String } = "grondslag_ongebruikt",
            "geen regel van convenant {convenant} rust op {grondslagen}. Verwijder wat niet nodig is; wie leest denkt anders dat er meer mag.",
            "no rule of convenant {convenant} rests on {grondslagen}. Remove what is not needed; a reader thinks otherwise that more is allowed.";
        /// Not confirmed, and nobody answers for it.
        GrondslagOnbevestigd { grondslag: String, convenant: String } = "grondslag_onbevestigd",
            "grondslag {grondslag} van convenant {convenant} is te bevestigen en door niemand aanvaard: in productie weigert de poort wat erop rust. Laat een jurist haar bevestigen, of leg in aanvaard vast wie haar verantwoordt.",
            "grondslag {grondslag} of convenant {convenant} is to be confirmed and accepted by nobody: in production the gateway refuses what rests on it. Have a jurist confirm it, or record in aanvaard who answers for it.";
        /// Not confirmed, but accepted.
        GrondslagAanvaard { grondslag: String, convenant: String, door: String, op: String } = "grondslag_aanvaard",
            "grondslag {grondslag} van convenant {convenant} is nog te bevestigen; door {door} aanvaard op {op}. Laat een jurist haar bevestigen.",
            "grondslag {grondslag} of convenant {convenant} is still to be confirmed; {door} accepted it on {op}. Have a jurist confirm it.";
        /// A rule asks for a mandaat that was never given.
        MandaatOntbreekt { regel: String, houders: String } = "mandaat_ontbreekt",
            "regel {regel} vraagt een mandaat en {houders} heeft er geen voor deze berichtsoort: de poort weigert dan. Voeg een [[mandaat]] toe, of haal de partner uit de regel.",
            "rule {regel} asks for a mandaat and {houders} has none for this berichtsoort: the gateway then refuses. Add a [[mandaat]], or take the partner out of the rule.";
        /// A rule asks for a mandaat whose term does not cover this day.
        MandaatVerlopen { regel: String, houders: String } = "mandaat_verlopen",
            "regel {regel} vraagt een mandaat en dat van {houders} geldt vandaag niet: de poort weigert dan. Verleng het, of vraag een nieuw mandaat.",
            "rule {regel} asks for a mandaat and that of {houders} does not hold today: the gateway then refuses. Renew it, or ask for a new mandaat.";
        /// Renewals of what is never renewed.
        VerlengenPastNiet { regel: String, berichtsoort: String } = "verlengen_past_niet",
            "regel {regel} heeft max_verlengingen, en {berichtsoort} wordt nooit verlengd; alleen een scenario. Haal het weg.",
            "rule {regel} has max_verlengingen, and {berichtsoort} is never renewed; only a scenario is. Remove it.";
        /// A scenario that cannot be found when it is needed.
        ScenarioNietBewaard { regel: String } = "scenario_niet_bewaard",
            "regel {regel} bewaart een scenario tot het bevestigd is: daarna vindt niemand het meer met FindScenario. Kies bewaar_inhoud = \"houdbaarheid\".",
            "rule {regel} keeps a scenario until it is confirmed: after that nobody finds it with FindScenario. Choose bewaar_inhoud = \"houdbaarheid\".";
        /// A condition that is always met.
        MedeOntvangerVanzelf { regel: String, partner: String } = "mede_ontvanger_vanzelf",
            "regel {regel} eist {partner} als mede-ontvanger en stuurt ook aan {partner}: aan die partner alleen mag het dan ook. Haal {partner} uit naar als dat niet bedoeld is.",
            "rule {regel} asks for {partner} as mede_ontvanger and sends to {partner} too: to that partner alone it is then allowed as well. Take {partner} out of naar if that is not meant.";
        /// A rule names a loket to send to that closes, or is closed.
        LoketSluit { regel: String, loket: String, vanaf: String, verwijst_naar: String } = "loket_sluit",
            "regel {regel} noemt in naar het loket {loket}, dat sluit vanaf {vanaf}: de poort weigert dan wat daarheen gaat. Noem {verwijst_naar}, waar het naar verwijst.",
            "rule {regel} names in naar the loket {loket}, which closes from {vanaf}: the gateway then refuses what goes there. Name {verwijst_naar}, to which it refers.";
        /// Loketten that nobody can call, where others can be.
        LoketZonderContact { loketten: String } = "loket_zonder_contact",
            "bij andere loketten staan functie en telefoon, en niet bij {loketten}: wie daar iemand wil spreken vindt niemand. Beschrijf ze met [[partner.loket]].",
            "other loketten have functie and telefoon, and {loketten} have not: who wants to speak to somebody there finds nobody. Describe them with [[partner.loket]].";
        /// Partners that nobody answers for in a dossier of inzage.
        ContactpuntOntbreekt { partners: String } = "contactpunt_ontbreekt",
            "zonder identiteit met rol contact: {partners}. Wie om inzage vraagt (AVG art. 15) krijgt van hen geen besluit, en ziet dan niet waaraan zij deelnamen. Voeg voor elk een [[identiteit]] toe met rol contact.",
            "without an identity of rol contact: {partners}. Who asks for inzage (AVG art. 15) gets no decision of theirs, and then does not see what they took part in. Add an [[identiteit]] with rol contact for each.";
        /// No longer in force.
        Verlopen { wat: String, naam: String, laatste_dag: String } = "verlopen",
            "{wat} {naam} gold tot en met {laatste_dag}: de poort weigert wat erop rust. Verleng of verwijder.",
            "{wat} {naam} was in force until {laatste_dag}: the gateway refuses what rests on it. Renew or remove it.";
        /// In force for less than sixty days.
        LooptAf { wat: String, naam: String, laatste_dag: String } = "loopt_af",
            "{wat} {naam} geldt nog tot en met {laatste_dag}; daarna weigert de poort wat erop rust. Verleng op tijd.",
            "{wat} {naam} is in force until {laatste_dag}; after that the gateway refuses what rests on it. Renew it in time.";
        /// A certificate past its end.
        CertificaatVerlopen { naam: String, laatste_dag: String } = "certificaat_verlopen",
            "het certificaat van {naam} gold tot en met {laatste_dag}: niemand kan er nog mee verbinden. Vervang het.",
            "the certificate of {naam} was valid until {laatste_dag}: nobody can connect by it any more. Replace it.";
        /// A certificate that ends within sixty days.
        CertificaatLooptAf { naam: String, laatste_dag: String } = "certificaat_loopt_af",
            "het certificaat van {naam} geldt nog tot en met {laatste_dag}. Vraag nu een nieuw aan.",
            "the certificate of {naam} is valid until {laatste_dag}. Ask for a new one now.";
        /// A certificate before its term.
        CertificaatNogNietGeldig { naam: String, eerste_dag: String } = "certificaat_nog_niet_geldig",
            "het certificaat van {naam} geldt pas vanaf {eerste_dag}: niemand kan er nu mee verbinden. Wacht ermee, of controleer de klok van deze machine.",
            "the certificate of {naam} is valid from {eerste_dag} only: nobody can connect by it now. Wait with it, or check the clock of this machine.";
        /// The chain of the gateway that partners cannot follow.
        KetenZonderCa { reden: String } = "keten_zonder_ca",
            "het certificaat van de poort leidt naar geen enkele [[ca]] ({reden}): partners die deze CA's vertrouwen laten de poort niet toe. Zet achter het eigen certificaat die van elke uitgever erboven, op de root na.",
            "the certificate of the gateway leads to no [[ca]] at all ({reden}): partners that trust these CAs do not admit the gateway. Put behind the own certificate that of each issuer above it, but for the root.";
        /// A key that belongs to another certificate, or cannot be read.
        SleutelPastNiet { reden: String } = "sleutel_past_niet",
            "de privesleutel van de poort is niet te gebruiken: {reden}",
            "the private key of the gateway cannot be used: {reden}";
        /// A key that is not of the gateway alone.
        SleutelOpen { wat: String, what: String, rechten: String, gewenst: String } = "sleutel_open",
            "{wat} heeft rechten {rechten}: anderen op deze machine kunnen erbij. Zet de rechten op {gewenst} (chmod), en vervang sleutels die iemand kan hebben gelezen.",
            "{what} has mode {rechten}: others on this machine can reach it. Make it {gewenst} (chmod), and replace keys that somebody can have read.";
        /// One authority under two names.
        CaDubbel { een: String, ander: String } = "ca_dubbel",
            "[[ca]] {een} en [[ca]] {ander} hebben hetzelfde certificaat of dezelfde sleutel: dan is niet zeker voor wie een certificaat instaat. Houd er een.",
            "[[ca]] {een} and [[ca]] {ander} have the same certificate or the same key: then it is not certain for whom a certificate vouches. Keep one.";
        /// An issuer whose revocations nobody knows.
        CrlOntbreekt { naam: String, uitgever: String } = "crl_ontbreekt",
            "van {uitgever} ({naam}) is er geen intrekkingslijst die nu geldt: een ingetrokken certificaat wordt toegelaten als de CA geen enkele lijst heeft, en anders niemand van deze uitgever. Haal de lijst op en zet haar bij crl.",
            "of {uitgever} ({naam}) there is no revocation list that holds now: a revoked certificate is admitted when the CA has no list at all, and else nobody of this issuer. Fetch the list and add it to crl.";
        /// A revocation list past its end.
        CrlVerlopen { naam: String, laatste_dag: String } = "crl_verlopen",
            "de intrekkingslijst van {naam} gold tot en met {laatste_dag}: de poort laat met deze CA niemand meer toe. Haal een verse lijst op.",
            "the revocation list of {naam} was valid until {laatste_dag}: the gateway admits nobody under this CA any more. Fetch a fresh list.";
        /// A revocation list that ends within a week.
        CrlLooptAf { naam: String, laatste_dag: String } = "crl_loopt_af",
            "de intrekkingslijst van {naam} geldt nog tot en met {laatste_dag}; daarna laat de poort met deze CA niemand meer toe. Zorg dat zij vanzelf wordt ververst.",
            "the revocation list of {naam} is valid until {laatste_dag}; after that the gateway admits nobody under this CA. Have it refreshed by itself.";
        /// A file of certificates or lists that cannot be used.
        CertificaatOnleesbaar { naam: String, reden: String } = "certificaat_onleesbaar",
            "het certificaat of de intrekkingslijst van {naam} is niet te gebruiken: {reden}. De poort start zo niet. Herstel het pad of het bestand.",
            "the certificate or revocation list of {naam} cannot be used: {reden}. The gateway does not start like this. Mend the path or the file.";
        /// For tests only.
        Ontwikkelcertificaten { aantal: usize } = "ontwikkelcertificaten",
            "{aantal} identiteiten hebben een OIN voor tests: serve weigert deze configuratie zonder --dev. Gebruik ze nooit met echte gegevens.",
            "{aantal} identities have an OIN for tests: serve refuses this configuration without --dev. Never use them with real data.";
        /// Nothing goes at all.
        NietsToegestaan { } = "niets_toegestaan",
            "vandaag staat geen enkele regel iets toe. Kijk naar de looptijden, mandaten en grondslagen hierboven.",
            "today no rule allows anything. Look at the terms, mandaten and grondslagen above.";
    }
}

impl Waarschuwing {
    /// By which name it can be accepted; `None` for what keeps no gateway from starting, or what nothing can excuse.
    #[must_use]
    pub fn aanvaardbaar(&self) -> Option<Aanvaardbaar> {
        Aanvaardbaar::ALL.into_iter().find(|one| one.as_str() == self.code())
    }

    /// Whether no gateway starts with it, in production or not, whatever somebody accepts.
    #[must_use]
    pub fn is_fataal(&self) -> bool {
        matches!(self, Self::CertificaatOnleesbaar { .. } | Self::SleutelPastNiet { .. } | Self::CaDubbel { .. })
    }
}

/// What a warning is about, so that the one who reads the files can name the line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Onderwerp {
    /// Everything together.
    Geheel,
    /// A convenant, by name.
    Convenant(String),
    /// A grondslag, by convenant and id.
    Grondslag(String, String),
    /// A rule, by convenant and id.
    Regel(String, String),
    /// A mandaat, by id.
    Mandaat(String),
    /// A file with certificates or revocation lists.
    Bestand(std::path::PathBuf),
}

/// A warning and what it is about.
pub type Bevinding = (Onderwerp, Waarschuwing);

/// Everything that deserves a second look on a day, but for [`super::certificaten`].
#[must_use]
pub fn bevindingen(van_kracht: &VanKracht, day: Date) -> Vec<Bevinding> {
    let mut found = Vec::new();
    for convenant in van_kracht.convenanten() {
        grondslagen(convenant, &mut found);
        for regel in &convenant.regels {
            mandaten(van_kracht, convenant, regel, day, &mut found);
            loketten::named(van_kracht, convenant, regel, &mut found);
            regels::alone(convenant, regel, &mut found);
        }
    }
    regels::compare(van_kracht, day, &mut found);
    samenloop::meeting(van_kracht, day, &mut found);
    samenloop::behind_nobody(van_kracht, &mut found);
    answers(van_kracht, day, &mut found);
    found.extend(loketten::without_contact(van_kracht));
    found.extend(loketten::without_contactpunt(van_kracht));
    let test = van_kracht.deelnemers().toegangen.iter().filter(|toegang| toegang.identiteit.oin.is_test()).count();
    if test > 0 {
        found.push((Onderwerp::Geheel, Waarschuwing::Ontwikkelcertificaten { aantal: test }));
    }
    found.extend(ends_soon(van_kracht, day).into_iter().map(|einde| ending(einde, day)));
    if !van_kracht.convenanten().is_empty() && nothing_allowed(van_kracht, day) {
        found.push((Onderwerp::Geheel, Waarschuwing::NietsToegestaan {}));
    }
    found
}

/// How a rule is named outside its convenant.
pub(super) fn name(convenant: &Convenant, regel: &Regel) -> String {
    format!("{}/{}", convenant.naam, regel.id)
}

fn ending(einde: Einde, day: Date) -> Bevinding {
    let Einde { wat, naam, laatste_dag } = einde;
    let onderwerp = match (wat, naam.split_once('/')) {
        ("grondslag", Some((convenant, id))) => Onderwerp::Grondslag(convenant.to_owned(), id.to_owned()),
        ("mandaat", _) => Onderwerp::Mandaat(naam.clone()),
        _ => Onderwerp::Convenant(naam.clone()),
    };
    let (wat, dag) = (wat.to_owned(), laatste_dag.to_string());
    let waarschuwing = if laatste_dag < day {
        Waarschuwing::Verlopen { wat, naam, laatste_dag: dag }
    } else {
        Waarschuwing::LooptAf { wat, naam, laatste_dag: dag }
    };
    (onderwerp, waarschuwing)
}

fn grondslagen(convenant: &Convenant, found: &mut Vec<Bevinding>) {
    let used: BTreeSet<&String> = convenant.regels.iter().flat_map(|regel| &regel.grondslagen).collect();
    let (of_rules, unused): (Vec<_>, Vec<_>) =
        convenant.grondslagen.iter().partition(|grondslag| used.contains(&grondslag.id));
    if !unused.is_empty() {
        let grondslagen = unused.iter().map(|grondslag| grondslag.id.as_str()).collect::<Vec<_>>().join(", ");
        let onderwerp = Onderwerp::Grondslag(convenant.naam.clone(), unused[0].id.clone());
        found.push((onderwerp, Waarschuwing::GrondslagOngebruikt { grondslagen, convenant: convenant.naam.clone() }));
    }
    for grondslag in of_rules {
        let (id, naam) = (grondslag.id.clone(), convenant.naam.clone());
        let waarschuwing = match &grondslag.status {
            Status::Bevestigd => continue,
            Status::TeBevestigen(None) => Waarschuwing::GrondslagOnbevestigd { grondslag: id.clone(), convenant: naam },
            Status::TeBevestigen(Some(aanvaard)) => Waarschuwing::GrondslagAanvaard {
                grondslag: id.clone(),
                convenant: naam,
                door: aanvaard.door.clone(),
                op: aanvaard.op.to_string(),
            },
        };
        found.push((Onderwerp::Grondslag(convenant.naam.clone(), id), waarschuwing));
    }
}

fn mandaten(van_kracht: &VanKracht, convenant: &Convenant, regel: &Regel, day: Date, found: &mut Vec<Bevinding>) {
    let houders = match regel.mandaat {
        None => return,
        Some(Mandaathouder::Afzender) => &regel.van,
        Some(Mandaathouder::Ontvanger) => &regel.naar,
    };
    let houders: BTreeSet<_> = houders.iter().map(|patroon| &patroon.partner).collect();
    let (mut none, mut lapsed) = (Vec::new(), Vec::new());
    for houder in houders {
        match van_kracht.mandaten(houder, regel.berichtsoort, day) {
            Ok(_) => {}
            Err(Weigering::MandaatOntbreekt) => none.push(houder.to_string()),
            Err(_) => lapsed.push(houder.to_string()),
        }
    }
    let onderwerp = || Onderwerp::Regel(convenant.naam.clone(), regel.id.clone());
    let naam = || name(convenant, regel);
    if !none.is_empty() {
        found.push((onderwerp(), Waarschuwing::MandaatOntbreekt { regel: naam(), houders: none.join(", ") }));
    }
    if !lapsed.is_empty() {
        found.push((onderwerp(), Waarschuwing::MandaatVerlopen { regel: naam(), houders: lapsed.join(", ") }));
    }
}

fn nothing_allowed(van_kracht: &VanKracht, day: Date) -> bool {
    let allows = |convenant, regel| {
        let mut any = false;
        each(van_kracht, convenant, regel, day, |_, _, _| any = true);
        any
    };
    !van_kracht.convenanten().iter().any(|convenant| convenant.regels.iter().any(|regel| allows(convenant, regel)))
}

/// Who may ask and is never answered, rule by rule.
fn answers(van_kracht: &VanKracht, day: Date, found: &mut Vec<Bevinding>) {
    type Vraag<'v> = (Berichtsoort, &'v Adres, &'v Adres);
    // By what, from whom and to whom; with the doelgroepen for which it holds, because an answer follows its question.
    let mut allowed: BTreeMap<Vraag<'_>, BTreeSet<_>> = BTreeMap::new();
    for convenant in van_kracht.convenanten() {
        for regel in convenant.regels.iter().filter(|regel| regel.berichtsoort.answers().is_some()) {
            each(van_kracht, convenant, regel, day, |van, naar, _| {
                allowed.entry((regel.berichtsoort, van, naar)).or_default().insert(regel.doelgroep);
            });
        }
    }
    for convenant in van_kracht.convenanten() {
        for regel in &convenant.regels {
            let Some(antwoord) =
                Berichtsoort::ALL.into_iter().find(|soort| soort.answers() == Some(regel.berichtsoort))
            else {
                continue;
            };
            let suits = |doelgroep: &Option<Doelgroep>| {
                regel.doelgroep.is_none() || doelgroep.is_none() || *doelgroep == regel.doelgroep
            };
            let mut unanswered = BTreeSet::new();
            each(van_kracht, convenant, regel, day, |van, naar, _| {
                // A loket that closed may ask still, and hears where it refers to.
                let back = allowed.get(&(antwoord, naar, van_kracht.reached_at(van, day)));
                if !back.is_some_and(|kinds| kinds.iter().any(suits)) {
                    unanswered.insert((van, naar));
                }
            });
            for (van, naar) in routes(&unanswered) {
                let van = join(&patronen(van_kracht.partners(), &van));
                let naar = join(&open_patronen(van_kracht.partners(), &naar, day));
                let (soort, antwoord) = (regel.berichtsoort.to_string(), antwoord.to_string());
                found.push((
                    Onderwerp::Regel(convenant.naam.clone(), regel.id.clone()),
                    Waarschuwing::NooitBeantwoord { soort, antwoord, van, naar },
                ));
            }
        }
    }
}

/// Names, for people.
pub(super) fn join(patronen: &[Adrespatroon]) -> String {
    patronen.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
