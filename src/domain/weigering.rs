//! Weigering (refusal): the closed list of reasons why the gateway does not do what was asked.
//!
//! A weigering is an expected outcome: a value that is logged and shown to the partner. Its code stands
//! in the logboek and its name in `UPPER_SNAKE` in the gRPC status; both are stable. The sentences say what is wrong and
//! what to do, never what was in the bericht.

mod aard;
mod antwoord;

pub use aard::{Aard, Overtreding, Row};

macro_rules! weigeringen {
    ($($(#[$doc:meta])* $name:ident $(($data:ty))? = $code:literal, $aard:ident, $uitleg:literal, $explanation:literal;)*) => {
        /// Why the gateway refuses.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Weigering {
            $($(#[$doc])* $name $(($data))?,)*
        }

        impl Weigering {
            /// Each of them, for the documentation and its test.
            pub const TABLE: &'static [Row] =
                &[$(Row { code: $code, aard: Aard::$aard, uitleg: $uitleg, explanation: $explanation },)*];

            fn row(&self) -> Row {
                match self {
                    $(weigeringen!(@pattern $name $($data)?) =>
                        Row { code: $code, aard: Aard::$aard, uitleg: $uitleg, explanation: $explanation },)*
                }
            }
        }
    };
    (@pattern $name:ident $data:ty) => { Self::$name(_) };
    (@pattern $name:ident) => { Self::$name };
}

weigeringen! {
    /// Not a protobuf message of this method.
    Onleesbaar = "onleesbaar", Ongeldig,
        "Dit is geen leesbaar bericht van deze methode. Bouw het met de proto-bestanden van ketenpoort.v1.",
        "This is not a readable message of this method. Build it with the proto files of ketenpoort.v1.";
    /// A field or berichtsoort that this version does not know.
    OnbekendVeld = "onbekend_veld", Ongeldig,
        "Het bericht bevat een veld of berichtsoort die deze poort niet kent, en dat zou stil verloren gaan. Gebruik de proto-bestanden van deze versie.",
        "The message holds a field or berichtsoort that this gateway does not know, which would be lost silently. Use the proto files of this version.";
    /// Larger than the limit.
    TeGroot = "te_groot", Ongeldig,
        "Het bericht of de wijziging is groter dan de poort aanneemt, of heeft te veel velden. Verkort het, of doe het in delen.",
        "The message or the change is larger than the gateway takes, or has too many fields. Shorten it, or do it in parts.";
    /// One or more fields are wrong.
    OngeldigVeld(Vec<Overtreding>) = "ongeldig_veld", Ongeldig,
        "Een of meer velden zijn onjuist; elk staat hieronder met wat er gevraagd wordt. Verbeter ze en stuur opnieuw.",
        "One or more fields are wrong; each is named below with what is asked. Mend them and send again.";
    /// No `request_id`, or not a UUID.
    RequestIdOntbreekt = "request_id_ontbreekt", Ongeldig,
        "Het request_id ontbreekt of is geen UUID. Kies zelf een UUID, nieuw voor elk nieuw bericht, zodat herhalen veilig is.",
        "The request_id is missing or is not a UUID. Choose a UUID, new for every new bericht, so that repeating is safe.";
    /// The `request_id` was used for another bericht.
    RequestIdHergebruikt = "request_id_hergebruikt", Bestaat,
        "Dit request_id is eerder gebruikt voor een bericht met andere inhoud. Kies een nieuw request_id voor een nieuw bericht.",
        "This request_id was used before for a bericht with other content. Choose a new request_id for a new bericht.";
    /// The certificate's role may not use this port.
    VerkeerdeRol = "verkeerde_rol", Verboden,
        "Deze poort of methode is niet voor de rol van dit certificaat. Partners, toezicht (FG's, auditors en contactpunten) en beheer hebben elk een eigen poort, en een methode kan voor een enkele rol zijn.",
        "This port or method is not for the role of this certificate. Partners, toezicht (FGs, auditors and contactpunten) and operators each have a port of their own, and a method can be for one role only.";
    /// No such logregel, or one that the caller may not see.
    LogregelOnbekend = "logregel_onbekend", Onbekend,
        "Er is geen logregel met deze index, of zij gaat niet over een partner die u ziet. Zoek haar eerst op.",
        "There is no logregel of this index, or it is not about a partner that you see. Search for it first.";
    /// A page of another search, of another asker, or of another day.
    PaginaOngeldig = "pagina_ongeldig", Ongeldig,
        "Deze pagina hoort niet bij deze zoekvraag, bij u of bij vandaag. Zoek opnieuw, met een leeg veld pagina.",
        "This page does not belong to this search, to you or to today. Search again, with an empty field pagina.";
    /// A browser asked for an address that no page has.
    PaginaNietGevonden = "pagina_niet_gevonden", Onbekend,
        "Op dit adres staat geen pagina. Kijk het adres na, of kies een pagina in het menu.",
        "There is no page at this address. Check the address, or choose a page in the menu.";
    /// A browser asked a page for what it does not do.
    PaginaKanDitNiet = "pagina_kan_dit_niet", GeenMethode,
        "Deze pagina kan dit niet. Open haar in uw browser, en gebruik de knoppen en formulieren die erop staan.",
        "This page does not do this. Open it in your browser, and use the buttons and forms on it.";
    /// A browser asked or posted what no page of the gateway made.
    AndereHerkomst = "andere_herkomst", Verboden,
        "Dit is niet gevraagd vanaf een pagina van deze poort, en daarom niet gedaan. Open de pagina zelf en doe het daar.",
        "This was not asked from a page of this gateway, and so it was not done. Open the page yourself and do it there.";
    /// No checkpoint of a logboek of this gateway.
    CheckpointOnbekend = "checkpoint_onbekend", Onbekend,
        "Dit is geen checkpoint van een logboek van deze poort, of het is langer dan dat logboek nu is. Bewaar het: is het echt, dan is er iets uit het logboek verdwenen.",
        "This is no checkpoint of a logboek of this gateway, or it is longer than that logboek is now. Keep it: if it is genuine, something has disappeared from the logboek.";
    /// The certificate does not open this loket.
    LoketNietVanU = "loket_niet_van_u", Verboden,
        "Uw certificaat opent dit loket niet. Gebruik een loket van uw eigen certificaat, of vraag beheer om toegang.",
        "Your certificate does not open this loket. Use a loket of your own certificate, or ask the operator for access.";
    /// Since it connected the certificate ended, or was taken out of the deelnemers or given another identity.
    ToegangVervallen = "toegang_vervallen", Verboden,
        "Uw certificaat geeft geen toegang meer tot wat u vraagt. Is het verlopen, gebruik dan uw nieuwe; neem anders contact op met beheer.",
        "Your certificate no longer opens what you ask for. If it has ended, use your new one; contact the operator otherwise.";
    /// No such partner.
    PartnerOnbekend = "partner_onbekend", Ongeldig,
        "Een partner die u noemt is geen partner van deze poort. Controleer de naam van de partner.",
        "A partner that you name is not a partner of this gateway. Check the name of the partner.";
    /// No such loket at that partner.
    LoketOnbekend = "loket_onbekend", Ongeldig,
        "Een ontvanger heeft dit loket niet. Controleer de naam van het loket; zonder loket gaat een bericht naar algemeen.",
        "An ontvanger does not have this loket. Check the name of the loket; without one a bericht goes to algemeen.";
    /// A loket that takes nothing new any more.
    LoketGesloten(Vec<Overtreding>) = "loket_gesloten", Toestand,
        "Een ontvanger is een loket dat gesloten is; hieronder staat waarheen het verwijst. Kijk of dat de juiste plek is voor dit bericht, en stuur het dan daarheen.",
        "An ontvanger is a loket that is closed; where it refers to is named below. See whether that is the right place for this bericht, and send it there.";
    /// No convenant allows this berichtsoort between these two.
    GeenRegel = "geen_regel", Verboden,
        "Er is een ontvanger aan wie geen convenant dit loket deze berichtsoort laat sturen. Zie de regels van uw convenant, of vraag beheer om de uitwisselingsmatrix.",
        "There is an ontvanger to whom no convenant lets this loket send this berichtsoort. See the rules of your convenant, or ask the operator for the exchange matrix.";
    /// A convenant allows it, but its term does not cover today.
    ConvenantNietVanKracht = "convenant_niet_van_kracht", Toestand,
        "Het convenant dat dit toestaat is vandaag niet van kracht. Neem contact op met de beheerder van het convenant.",
        "The convenant that allows this is not in force today. Ask the administrator of the convenant.";
    /// The convenant that the sender chose does not exist, or speaks of no such exchange.
    ConvenantNietToegestaan = "convenant_niet_toegestaan", Verboden,
        "Het gekozen convenant is niet van kracht of zegt niets over deze uitwisseling. Controleer de naam van het convenant, of laat het veld leeg.",
        "The chosen convenant is not in force or does not speak of this exchange. Check the name of the convenant, or leave the field empty.";
    /// The grondslag's own term does not cover today.
    GrondslagNietVanKracht = "grondslag_niet_van_kracht", Toestand,
        "De grondslag waarop dit berust is vandaag niet van kracht. Neem contact op met de beheerder van het convenant.",
        "The grondslag on which this rests is not in force today. Ask the administrator of the convenant.";
    /// Several grondslagen are possible and none was chosen.
    GrondslagKiezen = "grondslag_kiezen", Ongeldig,
        "De regel laat een keuze tussen grondslagen. Noem er een in het veld grondslag.",
        "The rule leaves a choice between grondslagen. Name one in the field grondslag.";
    /// The grondslag that was chosen is not among the rule's.
    GrondslagNietToegestaan = "grondslag_niet_toegestaan", Verboden,
        "De gekozen grondslag hoort niet bij de regel voor deze uitwisseling. Kies een grondslag van de regel, of laat het veld leeg.",
        "The chosen grondslag does not belong to the rule for this exchange. Choose one of the rule's, or leave the field empty.";
    /// A grondslag that no jurist confirmed, in production, and nobody answers for it.
    GrondslagOnbevestigd = "grondslag_onbevestigd", Toestand,
        "De grondslag waarop dit berust is nog niet bevestigd, en niemand heeft dat aanvaard. Neem contact op met de beheerder van het convenant.",
        "The grondslag on which this rests is not confirmed yet, and nobody accepted that. Ask the administrator of the convenant.";
    /// The rule asks for a mandaat that was never given.
    MandaatOntbreekt = "mandaat_ontbreekt", Verboden,
        "Deze uitwisseling vraagt een mandaat, en dat is er niet. Vraag de gever om een mandaat en laat het registreren.",
        "This exchange needs a mandaat, and there is none. Ask its giver for a mandaat and have it registered.";
    /// The rule asks for a mandaat whose term does not cover today.
    MandaatVerlopen = "mandaat_verlopen", Toestand,
        "Het mandaat voor deze uitwisseling geldt vandaag niet. Vraag de gever om een nieuw mandaat en laat het registreren.",
        "The mandaat for this exchange is not in force today. Ask its giver for a new mandaat and have it registered.";
    /// The rule asks that another ontvanger gets it too.
    MedeOntvangerOntbreekt = "mede_ontvanger_ontbreekt", Verboden,
        "Deze berichtsoort mag alleen als een bepaalde partner haar ook ontvangt. Voeg de mede-ontvanger van de regel toe.",
        "This berichtsoort is allowed only when a certain partner receives it too. Add the mede_ontvanger of the rule.";
    /// The rules are for another category.
    CategorieNietToegestaan = "categorie_niet_toegestaan", Verboden,
        "Deze uitwisseling is voor deze categorie niet toegestaan. Zie de regels van uw convenant.",
        "This exchange is not allowed for this category. See the rules of your convenant.";
    /// The rules are for the other doelgroep.
    DoelgroepNietToegestaan = "doelgroep_niet_toegestaan", Verboden,
        "Deze uitwisseling is voor deze doelgroep (minderjarig of volwassen) niet toegestaan. Gebruik het loket en de regel voor de juiste doelgroep.",
        "This exchange is not allowed for this doelgroep (minor or adult). Use the loket and the rule for the right doelgroep.";
    /// A partial date of birth leaves minor or adult open.
    DoelgroepOnbepaald = "doelgroep_onbepaald", Ongeldig,
        "Uit deze geboortedatum blijkt niet of de betrokkene minderjarig is, en de regel vraagt dat. Geef de volledige geboortedatum.",
        "This date of birth does not tell whether the betrokkene is a minor, and the rule asks for that. Give the full date of birth.";
    /// A BSN where the rule does not allow one.
    BsnNietToegestaan = "bsn_niet_toegestaan", Verboden,
        "Deze regel staat geen BSN toe. Laat het BSN weg.",
        "This rule allows no BSN. Leave the BSN out.";
    /// The answer was needed before now.
    TermijnVerstreken = "termijn_verstreken", Ongeldig,
        "De termijn waarbinnen het antwoord nodig is, ligt in het verleden. Geef een moment in de toekomst.",
        "The moment before which the answer is needed lies in the past. Give a moment in the future.";
    /// By its rule the content lapsed before it was sent.
    HoudbaarheidVerstreken = "houdbaarheid_verstreken", Toestand,
        "Volgens de regel is deze inhoud al niet meer houdbaar. Toets de actualiteit en stuur met een recente peildatum.",
        "By its rule this content has lapsed already. Check that it still holds and send it with a recent peildatum.";
    /// A longer houdbaarheid than the rule gives was asked.
    HoudbaarheidTeLang = "houdbaarheid_te_lang", Ongeldig,
        "De gevraagde houdbaarheid is langer dan de regel geeft. Verkorten mag, verlengen niet; laat het veld leeg voor de termijn van de regel.",
        "The houdbaarheid asked for is longer than the rule gives. It may be shortened, never lengthened; leave the field empty for the rule's term.";
    /// The berichtsoort answers another bericht and names none.
    AntwoordOntbreekt = "antwoord_ontbreekt", Ongeldig,
        "Deze berichtsoort is een antwoord. Noem in in_antwoord_op het bericht dat u beantwoordt.",
        "This berichtsoort is an answer. Name the bericht that you answer in in_antwoord_op.";
    /// What is answered was not received by you from this ontvanger.
    AntwoordNietVanU = "antwoord_niet_van_u", Onbekend,
        "Het bericht in in_antwoord_op is niet aan dit loket gestuurd, of niet door deze ontvanger. Antwoord vanaf het loket dat het verzoek kreeg, aan de afzender ervan.",
        "The bericht in in_antwoord_op was not sent to this loket, or not by this ontvanger. Answer from the loket that got the verzoek, to its afzender.";
    /// What is answered is of another kind.
    AntwoordPastNiet = "antwoord_past_niet", Ongeldig,
        "Deze berichtsoort is geen antwoord op dat bericht. Kies de berichtsoort die bij het verzoek hoort.",
        "This berichtsoort does not answer that bericht. Choose the berichtsoort that belongs to the verzoek.";
    /// This ontvanger answered it before.
    AlBeantwoord = "al_beantwoord", Toestand,
        "Dit verzoek is door dit loket al beantwoord. Klopte het antwoord niet, stuur dan een rectificatie.",
        "This verzoek was answered by this loket before. If the answer was wrong, send a rectificatie.";
    /// What is answered was withdrawn.
    VerzoekIngetrokken = "verzoek_ingetrokken", Toestand,
        "Het verzoek is ingetrokken; er wordt geen antwoord meer verwacht. Stuur niets.",
        "The verzoek was withdrawn; no answer is expected any more. Send nothing.";
    /// What only the gateway sends.
    SoortVanDePoort = "soort_van_de_poort", Verboden,
        "Deze berichtsoort stuurt alleen de poort zelf. Gebruik Withdraw om vernietiging te vragen.",
        "Only the gateway itself sends this berichtsoort. Use Withdraw to ask for destruction.";
    /// What is replaced was not sent from this loket.
    VervangtNietVanU = "vervangt_niet_van_u", Onbekend,
        "Het bericht in vervangt is niet vanaf dit loket gestuurd. Verleng alleen een eigen bericht, vanaf hetzelfde loket.",
        "The bericht in vervangt was not sent from this loket. Renew only a bericht of your own, from the same loket.";
    /// What is replaced is of another kind, or went to others.
    VervangtPastNiet = "vervangt_past_niet", Ongeldig,
        "Alleen een scenario kan een eerder scenario vervangen, en alleen voor precies dezelfde ontvangers. Trek anders het oude in en stuur een nieuw.",
        "Only a scenario can replace an earlier scenario, and only for exactly the same ontvangers. Else withdraw the old one and send a new one.";
    /// It was replaced before; a chain of renewals has no forks and no cycles.
    AlVervangen = "al_vervangen", Toestand,
        "Dit bericht is al vervangen door een later bericht. Verleng het laatste; GetStatus noemt het.",
        "This bericht was replaced by a later one already. Renew the last one; GetStatus names it.";
    /// Withdrawn, lapsed or damaged: nothing is left to renew.
    NietTeVerlengen = "niet_te_verlengen", Toestand,
        "Dit bericht is ingetrokken, vervallen of beschadigd, en kan niet meer verlengd worden. Stuur een nieuw bericht zonder vervangt.",
        "This bericht was withdrawn, has lapsed or was damaged, and cannot be renewed any more. Send a new bericht without vervangt.";
    /// A renewal without a check since what it replaces.
    ActualiteitNietGetoetst = "actualiteit_niet_getoetst", Ongeldig,
        "Een verlenging vraagt actualiteit_getoetst_op: de dag waarop is nagegaan dat dit nog klopt, en die is niet eerder dan de dag waarop het oude bericht is gestuurd.",
        "A renewal asks for actualiteit_getoetst_op: the day on which it was checked that this still holds, not before the day on which the old bericht was sent.";
    /// More often than the rule allows.
    TeVaakVerlengd = "te_vaak_verlengd", Verboden,
        "De regel staat niet toe dat dit bericht nog eens verlengd wordt. Maak een nieuw scenario en stuur het zonder vervangt.",
        "The rule does not allow this bericht to be renewed once more. Make a new scenario and send it without vervangt.";
    /// A rectificatie of what was not sent from this loket.
    RectificatieNietVanU = "rectificatie_niet_van_u", Onbekend,
        "Het bericht in in_antwoord_op is niet vanaf dit loket gestuurd. Alleen de afzender kan een bericht rectificeren; vraag de afzender erom.",
        "The bericht in in_antwoord_op was not sent from this loket. Only its afzender can correct a bericht; ask for it.";
    /// A rectificatie goes to everyone who got the original, and to nobody else.
    RectificatieOntvangers = "rectificatie_ontvangers", Ongeldig,
        "Een rectificatie gaat naar alle ontvangers die het oorspronkelijke bericht kregen. Laat ontvangers leeg; kreeg niemand het, dan valt er niets te rectificeren.",
        "A rectificatie goes to all ontvangers who got the original bericht. Leave ontvangers empty; if there is no such ontvanger, there is nothing to correct.";
    /// Nothing is left of it to withdraw.
    AlBeeindigd = "al_beeindigd", Toestand,
        "Dit bericht is nooit afgeleverd en is al vervallen of beschadigd; er valt niets in te trekken.",
        "This bericht was never delivered and has lapsed or was damaged already; there is nothing to withdraw.";
    /// What follows another bericht cannot be withdrawn.
    NietInTeTrekken = "niet_in_te_trekken", Toestand,
        "Een bericht dat op een ander volgt, zoals een rectificatie, is niet in te trekken. Stuur zo nodig een nieuw bericht van dezelfde soort.",
        "A bericht that follows another one, such as a rectificatie, cannot be withdrawn. Send a new bericht of the same kind if needed.";
    /// Withdrawn by its afzender.
    Ingetrokken = "ingetrokken", Toestand,
        "De afzender heeft dit bericht ingetrokken. Had u de inhoud al, gebruik haar dan niet meer; in uw postvak ligt een vernietigingsverzoek.",
        "The afzender withdrew this bericht. If you have its content, do not use it any more; a vernietigingsverzoek is in your postvak.";
    /// Refused at delivery.
    AfleveringGeweigerd = "aflevering_geweigerd", Toestand,
        "De aflevering van dit bericht is geweigerd, omdat geen convenant het nu toestaat. Het blijft tot zijn laatste dag bewaard en wordt alsnog afgeleverd als een convenant het weer toestaat; vraag beheer of dat zo hoort.",
        "The delivery of this bericht was refused, because no convenant allows it now. It is kept until its last day and delivered after all when a convenant allows it again; ask beheer whether that is meant.";
    /// What follows a bericht speaks of somebody else.
    BetrokkeneAnders = "betrokkene_anders", Ongeldig,
        "Dit bericht hoort bij een ander en gaat over iemand anders. Controleer de casus; noem dezelfde personen, of laat betrokkenen weg waar dat mag.",
        "This bericht belongs to another one and is about somebody else. Check the case; name the same people, or leave betrokkenen out where that is allowed.";
    /// Too much follows one bericht.
    TeVaakGevolgd = "te_vaak_gevolgd", Teveel,
        "Dit loket heeft dit bericht al twintig keer met deze berichtsoort gevolgd; er kan niets bij. Bel de ontvanger.",
        "This loket followed this bericht twenty times with this berichtsoort; nothing can be added. Call the ontvanger.";
    /// Replaced by a renewal.
    Vervangen = "vervangen", Toestand,
        "Dit bericht is vervangen door een later bericht. Lees dat; het staat in hetzelfde gesprek.",
        "This bericht was replaced by a later one. Read that one; it is in the same gesprek.";
    /// Ask was called with something that nobody answers.
    GeenVerzoek = "geen_verzoek", Ongeldig,
        "Op deze berichtsoort wacht men niet. Gebruik Send; Ask is voor bekendheidscheck, contextinformatieverzoek en verrijkingsverzoek.",
        "Nobody waits for an answer to this berichtsoort. Use Send; Ask is for bekendheidscheck, contextinformatieverzoek and verrijkingsverzoek.";
    /// No such bericht, or not yours.
    BerichtOnbekend = "bericht_onbekend", Onbekend,
        "Dit bericht bestaat niet, of is niet van of aan u. Controleer het bericht-id en het loket.",
        "This bericht does not exist, or is not from or to you. Check the id of the bericht and the loket.";
    /// Confirmed before it was handed out.
    NietAfgeleverd = "niet_afgeleverd", Toestand,
        "Dit bericht is nog niet aan u afgeleverd. Haal het eerst op en bevestig daarna.",
        "This bericht was not delivered to you yet. Receive it first, then confirm.";
    /// Its houdbaarheid has passed.
    Vervallen = "vervallen", Toestand,
        "De houdbaarheid van dit bericht is verstreken; de inhoud is voor niemand meer leesbaar. Vraag de afzender om actuele informatie.",
        "The houdbaarheid of this bericht has passed; nobody can read its content any more. Ask the afzender for current information.";
    /// Confirmed; the rule keeps it no longer.
    InhoudNietBewaard = "inhoud_niet_bewaard", Toestand,
        "De regel bewaart deze inhoud tot u bevestigt, en u heeft bevestigd. Lees haar in uw eigen systeem, of vraag de afzender.",
        "The rule keeps this content until you confirm, and you did. Read it in your own system, or ask the afzender.";
    /// The partner of this name is another organisation by now than the one that the bericht was stamped for.
    OntvangerAnders = "ontvanger_anders", Verboden,
        "De partner met deze naam heeft niet meer het OIN waarvoor dit bericht is gestempeld. Is het dezelfde organisatie, laat beheer dat OIN dan weer bij haar opnemen; anders komt dit bericht niet bij haar.",
        "The partner of this name no longer has the OIN that this bericht was stamped for. If it is the same organisation, let beheer add that OIN again; else it does not get this bericht.";
    /// What the gateway kept of the content no longer opens.
    InhoudBeschadigd = "inhoud_beschadigd", Toestand,
        "De inhoud van dit bericht is in de opslag van de poort beschadigd en niet meer te lezen. De afzender heeft daar een schademelding van gekregen; vraag hem het bericht opnieuw te sturen.",
        "The content of this bericht was damaged in the store of the gateway and cannot be read any more. Its afzender got a schademelding of it; ask for the bericht to be sent again.";
    /// What beheer wants to put in force has mistakes.
    DocumentOnjuist(Vec<Overtreding>) = "document_onjuist", Ongeldig,
        "Wat u van kracht wilt laten worden bevat fouten; elk staat hieronder. Er is niets gewijzigd: verbeter ze en laad opnieuw.",
        "What you want to put in force has mistakes; each is named below. Nothing was changed: mend them and load again.";
    /// There is no such document in force.
    DocumentOnbekend = "document_onbekend", Onbekend,
        "Er is geen convenant van deze naam van kracht, of het had nooit een tekst met deze hash; beheer list noemt wat er is, beheer history wat er was. De deelnemers worden niet ingetrokken maar vervangen: laad een nieuwe versie.",
        "No convenant of this name is in force, or it never had a text with this hash; beheer list names what there is, beheer history what there was. The deelnemers are not withdrawn but replaced: load a new version.";
    /// Too many open berichten in the postvak of an ontvanger.
    PostvakVol = "postvak_vol", Teveel,
        "Het postvak van een ontvanger is vol. Probeer het later opnieuw met hetzelfde request_id, en bel de ontvanger als het dringend is.",
        "The postvak of an ontvanger is full. Try again later with the same request_id, and call the ontvanger when it is urgent.";
    /// The partner has too much under way.
    TeDruk = "te_druk", Teveel,
        "U heeft te veel tegelijk onderweg. Wacht op antwoorden en probeer het opnieuw met hetzelfde request_id.",
        "You have too much under way. Wait for answers and try again with the same request_id.";
    /// The gateway cannot write its logboek, so it does nothing.
    NietBeschikbaar = "niet_beschikbaar", Onbeschikbaar,
        "De poort kan nu niets vastleggen en doet daarom niets. Probeer het opnieuw, een bericht met hetzelfde request_id.",
        "The gateway cannot write its logboek now and therefore does nothing. Try again, a bericht with the same request_id.";
    /// A change of what is in force that an operator does not make alone.
    BekrachtigingNodig = "bekrachtiging_nodig", Toestand,
        "Wat van kracht is bepaalt dat een beheerder dit niet alleen wijzigt, of niet meteen. Stel de wijziging voor (ProposeDocuments, beheer propose); zij geldt zodra ieder die het document noemt heeft ingestemd en de dagen voorbij zijn. Alleen wat niets dan wegneemt kan meteen.",
        "What is in force says that an operator does not change this alone, or not at once. Propose the change (ProposeDocuments, beheer propose); it holds once everybody whom the document names has agreed and the days are over. Only what does nothing but take away can be done at once.";
    /// No such proposal, or not open any more.
    VoorstelOnbekend = "voorstel_onbekend", Onbekend,
        "Dit voorstel is er niet, of staat niet meer open: het is van kracht, ingetrokken, of er is sindsdien iets anders van kracht geworden. Vraag de lijst op, en stel het zo nodig opnieuw voor.",
        "There is no such proposal, or it is open no longer: it is in force, was withdrawn, or something else came into force since. Ask for the list, and propose it anew if need be.";
    /// This identity is not asked to agree.
    InstemmingNietGevraagd = "instemming_niet_gevraagd", Verboden,
        "Van deze identiteit vraagt dit voorstel geen instemming: wie voorstelt bekrachtigt niet zelf, en een partij tekent alleen voor convenanten waarbij zij partij is.",
        "This proposal does not ask this identity to agree: who proposes does not confirm, and a party signs only for convenanten that it is a party of.";
    /// A signature does not hold.
    HandtekeningOnjuist = "handtekening_onjuist", Ongeldig,
        "Een handtekening klopt niet, of is gemaakt voor een andere tekst dan die van dit voorstel. Haal het voorstel opnieuw op, lees het, en onderteken dat met de sleutel van dit certificaat.",
        "A signature does not hold, or was made for another text than that of this proposal. Get the proposal again, read it, and sign that with the key of this certificate.";
    /// More proposals than anybody keeps an eye on.
    TeVeelVoorstellen = "te_veel_voorstellen", Teveel,
        "Er staan al zoveel voorstellen open als de poort toelaat. Trek eerst een voorstel in.",
        "There are as many open proposals as the gateway allows. Withdraw one first.";
    /// Content about a person can still be read.
    InhoudActueel = "inhoud_actueel", Toestand,
        "Er is nog een bericht over deze persoon dat iemand kan lezen; zo lang moet ook na te gaan zijn over wie het gaat. Laat de afzender het intrekken, of wacht tot het is vervallen.",
        "There is still a bericht about this person that somebody can read; as long as that is so it must also be known whom it is about. Have its afzender withdraw it, or wait until it has lapsed.";
    /// Somebody who asked for inzage waits for the overview.
    DossierOpen = "dossier_open", Toestand,
        "Deze persoon heeft om inzage gevraagd en nog geen overzicht gekregen; wat nu wordt gewist kan er niet meer in staan. Laat het contactpunt het dossier eerst sluiten.",
        "This person asked for inzage and did not get the overview yet; what is erased now cannot stand in it any more. Have the contactpunt close the dossier first.";
    /// An open dossier of the same contactpunt about the same person and kenmerk; its number.
    DossierBestaat(u64) = "dossier_bestaat", Bestaat,
        "U hebt al een open verzoek van deze persoon met dit kenmerk. Ga daarin verder, of zeg erbij dat dit een nieuw verzoek is.",
        "You have an open request of this person with this kenmerk already. Go on with that one, or say that this is a new request.";
    /// No such dossier, or one that the caller has no part in.
    DossierOnbekend = "dossier_onbekend", Onbekend,
        "Er is geen dossier met dit nummer, of u hebt er geen deel aan. Vraag de lijst van dossiers op.",
        "There is no dossier of this number, or you have no part in it. Ask for the list of dossiers.";
    /// A dossier that was closed.
    DossierGesloten = "dossier_gesloten", Toestand,
        "Dit dossier is gesloten: het overzicht is verstrekt. Open een nieuw dossier als de betrokkene opnieuw vraagt.",
        "This dossier is closed: the overview was handed over. Open a new dossier when the betrokkene asks again.";
    /// A partner that took part in nothing of a dossier.
    BesluitNietGevraagd = "besluit_niet_gevraagd", Verboden,
        "In dit dossier wordt van uw partner geen besluit gevraagd, of dit is aan het contactpunt dat het opende.",
        "This dossier asks no decision of your partner, or this is for the contactpunt that opened it.";
    /// Partners have not decided yet, and still have time.
    BesluitOntbreekt = "besluit_ontbreekt", Toestand,
        "Een of meer partners hebben nog niet besloten, en hun termijn loopt nog. Wacht tot zij besluiten of tot hun termijn voorbij is; het dossier noemt dan wie te laat is.",
        "One or more partners have not decided yet, and their term has not passed. Wait until they decide or until their term has passed; the dossier then names who is late.";
    /// A dossier whose term cannot be extended.
    TermijnVast = "termijn_vast", Toestand,
        "De termijn van dit dossier is eerder verlengd, of is al voorbij. Geef de betrokkene het overzicht, met wat er nu is.",
        "The term of this dossier was extended before, or has passed. Give the betrokkene the overview, with what there is now.";
    /// Nothing is known of a person.
    NiemandGevonden = "niemand_gevonden", Onbekend,
        "Van deze persoon is met deze kenmerken niets bekend. Zoek op elk kenmerk apart: wie zonder SKN is vastgelegd wordt op SKN niet gevonden.",
        "Nothing is known of this person by these marks. Try each mark apart: who was written down without an SKN is not found by SKN.";
    /// The clock of the gateway is in doubt, so it does nothing.
    KlokOnzeker = "klok_onzeker", Onbeschikbaar,
        "De klok van de poort is in twijfel, en aan een verkeerde klok gaat verloren wat nog houdbaar is; daarom doet de poort nu niets. Probeer het later opnieuw, een bericht met hetzelfde request_id; bel de beheerder als het dringend is.",
        "The clock of the gateway is in doubt, and a wrong clock destroys what may still be used; therefore the gateway does nothing now. Try again later, a bericht with the same request_id; call the operator when it is urgent.";
    /// An operator cannot confirm a clock that the logboek or the database contradicts.
    KlokWeersproken = "klok_weersproken", Onbeschikbaar,
        "Deze klok is niet te bevestigen: de laatste logregel is later, of de klok van de database wijkt af; beheer toestand zegt welke van de twee. Zet de klok goed (NTP); de poort gelooft haar dan vanzelf.",
        "This clock cannot be confirmed: the last logregel is later, or the clock of the database is another; beheer toestand says which. Set the clock right (NTP); the gateway then believes it by itself.";
    /// The client's deadline had passed.
    DeadlineVerstreken = "deadline_verstreken", TeLaat,
        "De deadline van deze aanroep is verstreken. Herhaal met hetzelfde request_id en een ruimere deadline; GetStatus zegt of het bericht is aanvaard.",
        "The deadline of this call has passed. Repeat with the same request_id and more time; GetStatus tells whether the bericht was accepted.";
    /// No such method.
    MethodeOnbekend = "methode_onbekend", GeenMethode,
        "Deze methode bestaat niet op deze poort. Partners gebruiken ExchangeService, toezicht ToezichtService, contactpunten InzageService en beheer BeheerService, elk op de eigen poort.",
        "There is no such method on this port. Partners use ExchangeService, toezicht ToezichtService, contactpunten InzageService and operators BeheerService, each on a port of its own.";
}
