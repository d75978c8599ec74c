"""An FG's own client against the real gateway, made from the proto alone: grpcio and its own protobuf.

As the FG of a partner, as one to whom the deelnemers grant more, and as an auditor: each sees its own logregels and never content, each
look is a logregel, pages open for nobody else and go on over a restart, and proofs and the report are recomputed here.

Exit code 0 when every check held, else 1.
"""

import base64
import collections
import datetime
import hashlib
import json
import subprocess
import sys
import threading
import time

import grpc

import client
from client import CALL_SECONDS, NAAM, check, check_equal, verified_leaf

FG, OTHER_FG, CONTACT_FG, AUDITOR = "fg-zsm", "fg-dji", "fg-zvh-baronie-breda", "auditor"
OINS = {FG: "00000099000000105000", OTHER_FG: "00000099000000103000", CONTACT_FG: "00000099000000201000"}
FG_MEDEWERKER = "fg-medewerker-0042"
OF_THE_GATEWAY = ("vervalwaarschuwing", "vervalmelding", "schademelding", "vernietigingsverzoek")
EMPTY_ROOT = hashlib.sha256(b"").digest()


def tree_of(note):
    """Size and root of a checkpoint."""
    _, size, root = note.split("\n")[:3]
    return int(size), base64.b64decode(root, validate=True)


def consistent(old, new, path):
    """Whether a tree of `new` begins with that of `old`, RFC 9162 section 2.1.4.2."""
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return old_root == new_root and not path
    path = list(path)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = path.pop(0)
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            first = hashlib.sha256(b"\x01" + sibling + first).digest()
            second = hashlib.sha256(b"\x01" + sibling + second).digest()
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = hashlib.sha256(b"\x01" + second + sibling).digest()
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


class Toezicht(client.Interop):
    """The checks, in order."""

    def __init__(self, gateway, stubs):
        super().__init__(gateway, stubs)
        self.toezicht_pb, toezicht_grpc = stubs.module("toezicht_pb2"), stubs.module("toezicht_pb2_grpc")
        self.stub_of = toezicht_grpc.ToezichtServiceStub
        self.seen = []

    def toezicht(self, name):
        ca, key, cert = client.read_profile(self.gateway.profile(name))
        target = self.gateway.opened["toezicht"].removeprefix("https://")
        return self.stub_of(self.open_channels.enter_context(client.channel(target, ca, key, cert)))

    def inzage(self, reden="een controle"):
        return self.toezicht_pb.Inzage(medewerker=FG_MEDEWERKER, reden=reden)

    def asked(self, pagina_grootte=100, pagina="", reden="een controle", nieuwste_eerst=False, **filter):
        return self.toezicht_pb.SearchLogregelsRequest(
            inzage=self.inzage(reden),
            filter=self.toezicht_pb.Zoekfilter(**filter),
            pagina_grootte=pagina_grootte,
            pagina=pagina,
            nieuwste_eerst=nieuwste_eerst,
        )

    def search(self, name, **asked):
        """All that somebody finds, as (index, logregel)."""
        stub, request, found = self.toezicht(name), self.asked(**asked), []
        while True:
            page = stub.SearchLogregels(request, timeout=CALL_SECONDS)
            self.seen.append(str(page))
            found += [(row.log_index, json.loads(row.logregel)) for row in page.logregels]
            if not page.volgende:
                return found
            request.pagina = page.volgende

    def looks(self):
        return len([row for _, row in self.search(AUDITOR, soort=["ingezien"])])

    def persoon(self):
        return self.pb.Zoekpersoon(naam=NAAM, geboortedatum="1987-05-12")

    # The checks.

    def each_sees_its_own_logregels_and_what_no_partner_took_part_in(self):
        self.send(self.zsm, self.bekendheidscheck())
        wrong = self.bekendheidscheck()
        wrong.ontvangers[0].partner = "dji"
        self.refused(lambda: self.send(self.zsm, wrong), grpc.StatusCode.PERMISSION_DENIED, "GEEN_REGEL")
        everything = dict(self.search(AUDITOR, pagina_grootte=7))
        check_equal(sorted(everything), list(range(len(everything))), "what an auditor sees")
        for name in (FG, OTHER_FG, CONTACT_FG):
            own = dict(self.search(name, pagina_grootte=50))
            for index, row in own.items():
                parties = [row.get(key, "").split("/")[0] for key in ("afzender", "ontvanger")]
                if row.get("rol") in ("partner", "fg"):
                    parties.append(row["actor"])
                of_somebody = [party for party in parties if party] and row["soort"] not in ("ingezien", "geexporteerd")
                check(not of_somebody or OINS[name] in parties, f"{name} sees {row}")
                check(index not in everything or everything[index] == row, f"{name} sees another logregel {index}")
            for index, row in everything.items():
                sent = row["soort"] == "aanvaard" and OINS[name] in row["afzender"] + row["ontvanger"]
                check(not sent or index in own, f"{name} does not see its own {row}")

    def more_is_seen_where_the_deelnemers_say_so(self):
        before = self.search(CONTACT_FG, afzender=["zsm"], ontvanger=["zvh-zeeland"])
        check_equal(before, [], "what the FG of one zvh sees of another")
        text = (self.gateway.data / "deelnemers.toml").read_text(encoding="utf-8")
        mine = 'san = "fg.zvh-baronie-breda.ketenpoort.test"\npartner = "zvh-baronie-breda"\nrol = "fg"\n'
        check(mine in text, "the example names the FG of the zvh")
        changed = self.gateway.data / "meer.toml"
        changed.write_text(text.replace(mine, mine + 'ziet = ["zsm"]\n'), encoding="utf-8")
        beheer = str(self.gateway.profile("beheer"))
        command = [self.gateway.binary, "beheer", "load", "--profile", beheer, "--reden", "eerste aanspreekpunt", str(changed)]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        check_equal(run.returncode, 0, f"exit code of beheer load ({run.stdout}{run.stderr})")
        after = self.search(CONTACT_FG, afzender=["zsm"], ontvanger=["zvh-zeeland"])
        check(after, "the FG to whom more is granted sees more")

    def each_look_is_a_logregel_that_every_fg_sees(self):
        before = self.looks()
        stub = self.toezicht(OTHER_FG)
        stub.GetCheckpoint(self.toezicht_pb.GetCheckpointRequest(inzage=self.inzage()), timeout=CALL_SECONDS)
        stub.GetProof(self.toezicht_pb.GetProofRequest(inzage=self.inzage(), log_index=0), timeout=CALL_SECONDS)
        day = client.today_in_amsterdam().isoformat()
        report = self.toezicht_pb.GetRapportRequest(inzage=self.inzage(), van=day, tot_en_met=day)
        self.seen.append(str(stub.GetRapport(report, timeout=CALL_SECONDS)))
        # Those three, and the look that counted them the first time.
        check_equal(self.looks(), before + 4, "looks")
        who = [row["actor"] for _, row in self.search(FG, soort=["ingezien"], rol=["fg"])]
        check(OINS[OTHER_FG] in who, "an FG sees the looks of another")

    def a_person_is_found_for_a_reason_and_only_where_it_may_be_seen(self):
        def without_reason():
            return self.toezicht(FG).SearchLogregels(
                self.asked(reden="", betrokkene=self.persoon()), timeout=CALL_SECONDS
            )

        self.refused(without_reason, grpc.StatusCode.INVALID_ARGUMENT, "ONGELDIG_VELD")
        found = [row for _, row in self.search(FG, betrokkene=self.persoon())]
        soorten = collections.Counter(row["soort"] for row in found)
        check(soorten["aanvaard"] and soorten["geweigerd"], f"accepted and refused: {soorten}")
        check_equal(self.search(OTHER_FG, betrokkene=self.persoon()), [], "what an FG finds of a person of others")

    def pages_open_for_their_own_question_and_asker_alone(self):
        stub = self.toezicht(FG)
        first = stub.SearchLogregels(self.asked(pagina_grootte=2), timeout=CALL_SECONDS)
        check(first.volgende and len(first.logregels) == 2, "a first page of two")
        second = stub.SearchLogregels(self.asked(pagina_grootte=2, pagina=first.volgende), timeout=CALL_SECONDS)
        check_equal(second.bijgewerkt_tot, first.bijgewerkt_tot, "what later pages search")
        others = (
            (self.toezicht(AUDITOR), self.asked(pagina_grootte=2, pagina=first.volgende)),
            (stub, self.asked(pagina_grootte=2, pagina=first.volgende, soort=["aanvaard"])),
            (stub, self.asked(pagina_grootte=2, pagina=first.volgende, nieuwste_eerst=True)),
            (stub, self.asked(pagina_grootte=2, pagina=first.volgende[:-3] + "AAA")),
            (stub, self.asked(pagina_grootte=2, pagina="x")),
        )
        for other, request in others:
            self.refused(
                lambda: other.SearchLogregels(request, timeout=CALL_SECONDS),
                grpc.StatusCode.INVALID_ARGUMENT,
                "PAGINA_ONGELDIG",
            )

    def periods_are_days_in_amsterdam_and_a_wrong_one_is_told(self):
        today = client.today_in_amsterdam()
        day = datetime.timedelta(days=1)
        check(self.search(FG, van=today.isoformat(), tot_en_met=today.isoformat()), "something happened today")
        check_equal(self.search(FG, van="2026-03-29", tot_en_met="2026-03-29"), [], "the day on which the clock goes forward")
        check_equal(self.search(FG, van=(today + day).isoformat()), [], "tomorrow")
        for van, tot_en_met in (
            (today.isoformat(), (today - day).isoformat()),
            ("1926-01-01", today.isoformat()),
            ("2026-02-30", ""),
            ("gisteren", ""),
        ):
            self.refused(
                lambda: self.toezicht(FG).SearchLogregels(self.asked(van=van, tot_en_met=tot_en_met), timeout=CALL_SECONDS),
                grpc.StatusCode.INVALID_ARGUMENT,
                "ONGELDIG_VELD",
            )

    def what_is_written_is_followed(self):
        stub = self.toezicht(FG)
        filter = self.toezicht_pb.Zoekfilter(soort=["aanvaard"])
        stream = stub.FollowLogregels(
            self.toezicht_pb.FollowLogregelsRequest(inzage=self.inzage(), filter=filter), timeout=CALL_SECONDS
        )
        threading.Timer(0.5, lambda: self.send(self.zsm, self.bekendheidscheck())).start()
        answer = next(iter(stream))
        stream.cancel()
        check_equal(json.loads(answer.logregels[0].logregel)["soort"], "aanvaard", "what was followed")
        check_equal(answer.logregels[0].afzender, f"zsm/{self.loket_afzender}", "the name beside the OIN")

    def proofs_are_recomputed_here(self):
        stub = self.toezicht(FG)
        kept = stub.GetCheckpoint(self.toezicht_pb.GetCheckpointRequest(inzage=self.inzage()), timeout=CALL_SECONDS)
        index, row = self.search(FG, soort=["aanvaard"])[-1]
        proof = self.toezicht_pb.GetProofRequest(inzage=self.inzage(), log_index=index)
        leaf = verified_leaf(stub.GetProof(proof, timeout=CALL_SECONDS).bewijs, index)
        check_equal(json.loads(leaf), row, "the proven logregel")
        asked = self.toezicht_pb.GetConsistencyProofRequest(inzage=self.inzage(), checkpoint=kept.checkpoint)
        grown = stub.GetConsistencyProof(asked, timeout=CALL_SECONDS)
        old, new = tree_of(kept.checkpoint), tree_of(grown.checkpoint)
        check(new[0] > old[0], "the logboek grew")
        check(consistent(old, new, grown.hashes), "the newest checkpoint goes on from the kept one")
        check(not consistent((old[0], EMPTY_ROOT), new, grown.hashes), "a proof that holds for anything")

    def the_report_counts_what_a_search_finds(self):
        day = client.today_in_amsterdam().isoformat()
        for name in (FG, AUDITOR):
            request = self.toezicht_pb.GetRapportRequest(inzage=self.inzage(), van=day, tot_en_met=day)
            report = self.toezicht(name).GetRapport(request, timeout=CALL_SECONDS)
            self.seen.append(str(report))
            tables = {table.naam: table for afdeling in report.afdelingen for table in afdeling.tabellen}
            counted = collections.Counter()
            for row in tables["stromen"].rijen:
                counted[row.waarden[0]] += int(row.waarden[-1])
            found = self.search(name, van=day, tot_en_met=day, soort=["aanvaard"])
            # What the gateway sends is told apart, in a sentence.
            of_partners = [row["berichtsoort"] for index, row in found if index < report.tot_index]
            found = collections.Counter(soort for soort in of_partners if soort not in OF_THE_GATEWAY)
            check_equal(counted, found, f"what the report of {name} counts")
            for link in report.keten:
                if link.HasField("van_checkpoint"):
                    old, new = tree_of(link.van_checkpoint), tree_of(link.tot_checkpoint)
                    check(consistent(old, new, link.hashes), "the proof of the report")

    def nobody_sees_content_and_partners_do_not_come_in(self):
        request = self.search(FG, soort=["aanvaard"])[-1][1]["bericht"]
        life = self.toezicht_pb.GetLevenRequest(inzage=self.inzage(), bericht=request)
        self.seen.append(str(self.toezicht(FG).GetLeven(life, timeout=CALL_SECONDS)))
        everything = "".join(self.seen)
        for secret in (NAAM, "INTEROP-2026-0001", "1987-05-12", client.MEDEWERKER_AFZENDER, FG_MEDEWERKER):
            check(secret not in everything, f"{secret} was shown")
        self.refused(
            lambda: self.toezicht("zsm").SearchLogregels(self.asked(), timeout=CALL_SECONDS),
            grpc.StatusCode.PERMISSION_DENIED,
            "VERKEERDE_ROL",
        )

    def a_page_goes_on_over_a_restart(self):
        first = self.toezicht(FG).SearchLogregels(self.asked(pagina_grootte=2), timeout=CALL_SECONDS)
        self.open_channels.close()
        check_equal(self.gateway.terminate(), 0, "exit code after SIGTERM")
        self.gateway.serve()
        deadline = time.monotonic() + client.START_SECONDS
        while True:
            try:
                request = self.asked(pagina_grootte=2, pagina=first.volgende)
                page = self.toezicht(FG).SearchLogregels(request, timeout=CALL_SECONDS)
                break
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        check_equal(page.bijgewerkt_tot, first.bijgewerkt_tot, "what is searched after the restart")
        check(page.logregels[0].log_index > first.logregels[-1].log_index, "the page goes on")

    CHECKS = (
        each_sees_its_own_logregels_and_what_no_partner_took_part_in,
        more_is_seen_where_the_deelnemers_say_so,
        each_look_is_a_logregel_that_every_fg_sees,
        a_person_is_found_for_a_reason_and_only_where_it_may_be_seen,
        pages_open_for_their_own_question_and_asker_alone,
        periods_are_days_in_amsterdam_and_a_wrong_one_is_told,
        what_is_written_is_followed,
        proofs_are_recomputed_here,
        the_report_counts_what_a_search_finds,
        nobody_sees_content_and_partners_do_not_come_in,
        a_page_goes_on_over_a_restart,
        client.Interop.the_logboek_verifies_after_a_clean_stop,
    )


if __name__ == "__main__":
    sys.exit(client.main(Toezicht))
