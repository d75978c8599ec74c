"""A contactpunt's own client against the real gateway, made from the proto alone: grpcio and its own protobuf.

Somebody asks one contactpunt what was exchanged about them. Each partner sees and decides its own rows, nobody else's; FGs look on; the
person gets what everybody released. Each call is a logregel, and none of them names the person.

Exit code 0 when every check held, else 1.
"""

import json
import re
import sys

import grpc

import client
from client import CALL_SECONDS, NAAM, check, check_equal
from toezicht import AUDITOR, OINS, Toezicht

OPENED_BY, ASKED, STRANGER = "contact-zvh-baronie-breda", "contact-zsm", "contact-dji"
KENMERK = "inzage-interop-0815"
MEDEWERKER = "contact-medewerker-0042"
TOELICHTING = "daar staat een ander in"


class Inzage(Toezicht):
    """The checks, in order."""

    def __init__(self, gateway, stubs):
        super().__init__(gateway, stubs)
        self.inzage_pb = stubs.module("inzage_pb2")
        self.dossier_stub = stubs.module("inzage_pb2_grpc").InzageServiceStub
        self.number = None

    def dossiers(self, name):
        ca, key, cert = client.read_profile(self.gateway.profile(name))
        target = self.gateway.opened["toezicht"].removeprefix("https://")
        return self.dossier_stub(self.open_channels.enter_context(client.channel(target, ca, key, cert)))

    def who(self, reden=""):
        return self.toezicht_pb.Inzage(medewerker=MEDEWERKER, reden=reden)

    def opening(self, **changed):
        fields = {
            "inzage": self.who(),
            "persoon": self.persoon(),
            "ontvangen_op": client.today_in_amsterdam().isoformat(),
            "kenmerk": KENMERK,
        }
        return self.inzage_pb.OpenDossierRequest(**{**fields, **changed})

    def get(self, name):
        request = self.inzage_pb.GetDossierRequest(inzage=self.who(), dossier=self.number)
        return self.dossiers(name).GetDossier(request, timeout=CALL_SECONDS).dossier

    def decide(self, name, overige, besluiten=()):
        request = self.inzage_pb.DecideDossierRequest(
            inzage=self.who(), dossier=self.number, besluiten=besluiten, overige=overige
        )
        return self.dossiers(name).DecideDossier(request, timeout=CALL_SECONDS).dossier

    def leaves(self):
        return self.search(AUDITOR)

    # The checks.

    def a_request_to_one_counts_for_all(self):
        self.send(self.zsm, self.bekendheidscheck())
        opened = self.dossiers(OPENED_BY).OpenDossier(self.opening(), timeout=CALL_SECONDS).dossier
        self.number = opened.dossier
        check_equal(opened.nog_te_besluiten, 2, "the partners that are asked")
        check_equal([asked.partner for asked in opened.gevraagd], ["zvh-baronie-breda"], "of which the contactpunt knows")
        check(opened.verzoek.naam == NAAM and opened.verzoek.kenmerk == KENMERK, "what was asked")
        check("Concept" in opened.overzicht, "an overview that is not ready")
        row = dict(self.leaves())[self.number]
        check_equal((row["soort"], row["rol"], len(row["betrokkene"])), ("inzage_gevraagd", "contact", 1), "its logregel")

    def each_sees_its_own_and_a_stranger_nothing(self):
        for name, partner in ((OPENED_BY, "zvh-baronie-breda"), (ASKED, "zsm")):
            rows = self.get(name).rijen
            check(rows, f"{name} sees rows")
            check(all(partner in row.partners for row in rows), f"{name} sees only rows of {partner}")
        self.refused(lambda: self.get(STRANGER), grpc.StatusCode.NOT_FOUND, "DOSSIER_ONBEKEND")
        listed = self.inzage_pb.ListDossiersRequest(inzage=self.who(), ook_gesloten=True)
        check_equal(len(self.dossiers(STRANGER).ListDossiers(listed, timeout=CALL_SECONDS).dossiers), 0, "a stranger's list")

    def toezicht_looks_on_and_decides_nothing(self):
        seen = self.get("fg-zsm")
        check(seen.rijen and not seen.HasField("verzoek") and not seen.HasField("overzicht"), "what an FG sees")
        released = self.inzage_pb.Oordeel(vrijgeven=True)
        for call in (
            lambda: self.decide("fg-zsm", released),
            lambda: self.dossiers(AUDITOR).OpenDossier(self.opening(), timeout=CALL_SECONDS),
            lambda: self.toezicht(ASKED).SearchLogregels(self.asked(), timeout=CALL_SECONDS),
        ):
            self.refused(call, grpc.StatusCode.PERMISSION_DENIED, "VERKEERDE_ROL")

    def what_is_wrong_is_told(self):
        wrong = (
            {"ontvangen_op": "1926-01-01"},
            {"ontvangen_op": "gisteren"},
            {"kenmerk": ""},
            {"persoon": self.pb.Zoekpersoon(skn="1")},
            {"inzage": self.toezicht_pb.Inzage()},
        )
        for fields in wrong:
            self.refused(
                lambda: self.dossiers(OPENED_BY).OpenDossier(self.opening(**fields), timeout=CALL_SECONDS),
                grpc.StatusCode.INVALID_ARGUMENT,
                "ONGELDIG_VELD",
            )
        without_ground = self.inzage_pb.Oordeel()
        self.refused(lambda: self.decide(ASKED, without_ground), grpc.StatusCode.INVALID_ARGUMENT, "ONGELDIG_VELD")

    def the_person_gets_what_all_released(self):
        released = self.inzage_pb.Oordeel(vrijgeven=True)
        close = self.inzage_pb.CloseDossierRequest(inzage=self.who(), dossier=self.number)
        self.refused(
            lambda: self.dossiers(OPENED_BY).CloseDossier(close, timeout=CALL_SECONDS),
            grpc.StatusCode.FAILED_PRECONDITION,
            "BESLUIT_ONTBREEKT",
        )
        self.decide(OPENED_BY, released)
        mine = self.get(ASKED).rijen
        ground = self.inzage_pb.GROND_RECHTEN_VAN_ANDEREN
        withheld = self.inzage_pb.RijBesluit(
            log_index=mine[0].log_index, oordeel=self.inzage_pb.Oordeel(grond=ground, toelichting=TOELICHTING)
        )
        self.decide(ASKED, released, [withheld])
        overview = self.dossiers(OPENED_BY).CloseDossier(close, timeout=CALL_SECONDS).dossier.overzicht
        for part in (NAAM, KENMERK, "ZSM laat 1 gegeven niet zien", TOELICHTING, "Autoriteit Persoonsgegevens"):
            check(part in overview, f"{part} is not in the overview: {overview}")
        told = re.findall(r"^\d+\. Op ", overview, re.MULTILINE)
        check_equal(len(told), len(mine) - 1, "rows of the overview")

    def each_call_is_a_logregel_that_names_nobody(self):
        before = self.leaves()
        self.get(ASKED)
        after = [row for index, row in self.leaves() if index > before[-1][0]]
        looks = [row for row in after if row["soort"] == "ingezien" and row["rol"] == "contact"]
        # Whoever sees nothing of the dossier must not read in a look that it is there.
        told = [(row["actor"], "bekeken" in row, "dossier" in row) for row in looks]
        check_equal(told, [(OINS["fg-zsm"], True, False)], "the look")
        everything = json.dumps(self.leaves())
        for secret in (NAAM, KENMERK, MEDEWERKER, TOELICHTING, "1987-05-12", "rechten_van_anderen"):
            check(secret not in everything, f"{secret} stands in the logboek")

    CHECKS = (
        a_request_to_one_counts_for_all,
        each_sees_its_own_and_a_stranger_nothing,
        toezicht_looks_on_and_decides_nothing,
        what_is_wrong_is_told,
        the_person_gets_what_all_released,
        each_call_is_a_logregel_that_names_nobody,
        client.Interop.the_logboek_verifies_after_a_clean_stop,
    )


if __name__ == "__main__":
    sys.exit(client.main(Inzage))
