"""A client of another make against the real gateway: grpcio and its own protobuf, TLS and HTTP/2.

Starts `ketenpoort demo --keep-running`, generates stubs from proto/, and plays zsm and zvh-baronie-breda: a
bekendheidscheck, its answer, the status, and every refusal with its typed details. Proofs are checked here with nothing
but SHA-256 (RFC 6962). At the end the gateway is stopped and its logboek verified. Loopback only.

Exit code 0 when every check held, else 1.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import importlib
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import traceback
import uuid
import zoneinfo

# Refused handshakes are part of the test; grpc would write each of them to stderr.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc  # noqa: E402
import grpc_tools  # noqa: E402
from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from google.rpc import error_details_pb2  # noqa: E402
from grpc_status import rpc_status  # noqa: E402
from grpc_tools import protoc  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOTAL_SECONDS = 120
START_SECONDS = 60
CALL_SECONDS = 15
MIB = 1 << 20

AFZENDER = "zsm"
ONTVANGER = "zvh-baronie-breda"
# An invented person.
NAAM = "Sanne Verzonnen-Interop"
MEDEWERKER_AFZENDER = "zsm-medewerker-4711"
MEDEWERKER_ONTVANGER = "zvh-medewerker-0815"


def check(holds, message):
    if not holds:
        raise AssertionError(message)


def check_equal(found, expected, what):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


class Gateway:
    """The process under test, in a data directory of its own."""

    def __init__(self, binary, work):
        self.binary = binary
        self.data = work / "data"
        self.stderr_path = work / "stderr.txt"
        self.process = None
        self.opened = None

    def start(self):
        command = [self.binary, "demo", "--data-dir", str(self.data), "--keep-running", "--json"]
        with self.stderr_path.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True, encoding="utf-8"
            )
        lines = queue.Queue()
        # Reads to the end, so that the gateway never waits for a full pipe.
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"the demo did not open within {START_SECONDS} s") from None
            if line is None:
                raise AssertionError(f"the demo ended before it opened, exit code {self.process.wait()}")
            step = json.loads(line)
            if step.get("stap") == "open":
                self.opened = step
                return

    def _read(self, lines):
        for line in self.process.stdout:
            if line.strip():
                lines.put(line)
        lines.put(None)

    def profile(self, name):
        folder = pathlib.Path(self.opened["profielen"]) / name
        check(folder.is_dir(), f"there is no profile {folder}")
        return folder

    def loket(self, name):
        with (self.profile(name) / "profiel.toml").open("rb") as file:
            return tomllib.load(file)["loket"]

    def target(self):
        address = self.opened["grpc"]
        check(address.startswith("https://"), f"the demo's grpc address is {address!r}, not https://")
        return address.removeprefix("https://")

    def serve(self):
        """Starts the gateway again, on its data."""
        command = [self.binary, "serve", "--dev", "--config", self.opened["config"]]
        with self.stderr_path.open("ab") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
            )

    def terminate(self):
        """Asks the process to stop and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            raise AssertionError("the gateway did not stop within 20 s of SIGTERM") from None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stderr_tail(self):
        if not self.stderr_path.exists():
            return ""
        return "\n".join(self.stderr_path.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])


class Stubs:
    """What grpc_tools makes of proto/."""

    def __init__(self, out):
        out.mkdir()
        proto = ROOT / "proto"
        # google/protobuf/*.proto, should ours import them.
        well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        files = sorted(str(file.relative_to(proto)) for file in proto.rglob("*.proto"))
        arguments = ["protoc", f"-I{proto}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}"]
        check_equal(protoc.main(arguments + files), 0, "exit code of protoc")
        sys.path.insert(0, str(out))
        self.exchange = importlib.import_module("ketenpoort.v1.exchange_pb2")
        self.inhoud = importlib.import_module("ketenpoort.v1.inhoud_pb2")
        self.grpc = importlib.import_module("ketenpoort.v1.exchange_pb2_grpc")

    def module(self, name):
        return importlib.import_module(f"ketenpoort.v1.{name}")


def channel(target, ca, key=None, cert=None):
    credentials = grpc.ssl_channel_credentials(root_certificates=ca, private_key=key, certificate_chain=cert)
    options = [("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0)]
    return grpc.secure_channel(target, credentials, options)


def read_profile(folder):
    return tuple((folder / name).read_bytes() for name in ("ca.pem", "key.pem", "cert.pem"))


def with_unknown_ca(cert_pem, ca_pem):
    """Key and chain with the names of a real certificate and its issuer, signed by a key that nobody knows."""
    real = x509.load_pem_x509_certificates(cert_pem)[0]
    real_ca = x509.load_pem_x509_certificate(ca_pem)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject, like, public_key):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(real.issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        kept = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)
        for extension in like.extensions:
            if isinstance(extension.value, kept):
                builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    leaf = certificate(real.subject, real, key.public_key())
    ca = certificate(real.issuer, real_ca, ca_key.public_key())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key_pem, leaf + ca


def today_in_amsterdam():
    """The day as the gateway counts it. Its zone comes with the tzdata that PostgreSQL needs."""
    return datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Amsterdam")).date()


def rfc3339(moment):
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def inclusion_root(leaf_hash, index, size, path):
    """The root of a tree with this leaf, RFC 9162 section 2.1.3.2."""
    check(index < size, f"leaf {index} is not in a tree of {size}")
    node, last, root = index, size - 1, leaf_hash
    for sibling in path:
        check(last != 0, "the inclusion proof is too long")
        if node & 1 or node == last:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        node, last = node >> 1, last >> 1
    check(last == 0, "the inclusion proof is too short")
    return root


def verified_leaf(proof, log_index):
    """Checks a C2SP tlog-proof, all but the signature, and returns the logregel that it proves."""
    head, _, checkpoint = proof.partition("\n\n")
    first, *lines = head.split("\n")
    check_equal(first, "c2sp.org/tlog-proof@v1", "first line of the proof")
    check(lines and lines[0].startswith("extra "), "the proof has no logregel in `extra`")
    leaf = base64.b64decode(lines.pop(0).removeprefix("extra "), validate=True)
    check_equal(lines.pop(0), f"index {log_index}", "index in the proof")
    path = [base64.b64decode(line, validate=True) for line in lines]
    _origin, size, root, *_ = checkpoint.split("\n")
    leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
    found = inclusion_root(leaf_hash, log_index, int(size), path)
    check_equal(found, base64.b64decode(root, validate=True), "root computed from the proof and root in the checkpoint")
    return leaf


class Interop:
    """The checks, in order. Later ones use the bericht of earlier ones."""

    def __init__(self, gateway, stubs):
        self.gateway = gateway
        self.pb, self.inhoud_pb, self.stub_class = stubs.exchange, stubs.inhoud, stubs.grpc.ExchangeServiceStub
        self.open_channels = contextlib.ExitStack()
        self.loket_afzender = gateway.loket(AFZENDER)
        self.loket_ontvanger = gateway.loket(ONTVANGER)
        self.afzender_channel = self.connect(AFZENDER)
        self.zsm = self.stub_class(self.afzender_channel)
        self.zvh = self.stub_class(self.connect(ONTVANGER))
        self.request = None
        self.receipt = None
        self.answer = None

    def connect(self, name):
        ca, key, cert = read_profile(self.gateway.profile(name))
        return self.open_channels.enter_context(channel(self.gateway.target(), ca, key, cert))

    # What is sent.

    def inhoud(self, medewerker, **soort):
        return self.inhoud_pb.Inhoud(
            betrokkenen=[
                self.inhoud_pb.Betrokkene(
                    rol=self.inhoud_pb.BETROKKENE_ROL_HOOFDPERSOON, naam=NAAM, geboortedatum="1987-05-12"
                )
            ],
            casusnummer_afzender="INTEROP-2026-0001",
            contact=self.inhoud_pb.Contact(functie="procesregisseur", telefoon="+31 76 000 00 00"),
            medewerker=medewerker,
            verder_verstrekken=self.inhoud_pb.VERDER_VERSTREKKEN_VERBODEN,
            **soort,
        )

    def bekendheidscheck(self):
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=4)
        check_content = self.inhoud_pb.Bekendheidscheck(zaaknummer="PL2000-1", antwoord_nodig_voor=rfc3339(soon))
        return self.pb.SendRequest(
            request_id=str(uuid.uuid4()),
            loket=self.loket_afzender,
            ontvangers=[self.pb.Adres(partner=ONTVANGER, loket=self.loket_ontvanger)],
            inhoud=self.inhoud(MEDEWERKER_AFZENDER, bekendheidscheck=check_content),
        )

    # What comes back.

    def send(self, stub, request):
        return stub.Send(request, timeout=CALL_SECONDS).ontvangstbewijs

    def refused(self, call, code, reason):
        """Asserts a refusal with exactly these, and returns its details."""
        try:
            call()
        except grpc.RpcError as error:
            check_equal(error.code(), code, f"gRPC code of {reason} (message: {error.details()!r})")
            status = rpc_status.from_call(error)
        else:
            raise AssertionError(f"the call was not refused with {reason}")
        check(status is not None, f"{reason} came without grpc-status-details-bin")
        infos = unpack(status, error_details_pb2.ErrorInfo)
        check_equal(len(infos), 1, f"number of ErrorInfo details of {reason}")
        check_equal((infos[0].domain, infos[0].reason), ("ketenpoort", reason), "domain and reason of the refusal")
        messages = unpack(status, error_details_pb2.LocalizedMessage)
        check_equal(len(messages), 1, f"number of LocalizedMessage details of {reason}")
        check(messages[0].locale.lower().startswith("nl"), f"{reason} is explained in {messages[0].locale!r}, not nl")
        check(messages[0].message, f"{reason} comes without an explanation")
        check(NAAM not in str(status), f"{reason} repeats what was in the bericht")
        return status

    def raw_send(self, body):
        method = self.afzender_channel.unary_unary(
            "/ketenpoort.v1.ExchangeService/Send",
            request_serializer=lambda data: data,
            response_deserializer=self.pb.SendResponse.FromString,
        )
        return method(body, timeout=CALL_SECONDS)

    def unreachable(self, target_channel):
        """Asserts that no call gets through."""
        with target_channel:
            try:
                self.send(self.stub_class(target_channel), self.bekendheidscheck())
            except grpc.RpcError as error:
                check_equal(error.code(), grpc.StatusCode.UNAVAILABLE, "gRPC code of a refused connection")
            else:
                raise AssertionError("the gateway answered on a connection that it must refuse")

    # The checks.

    def send_gives_a_receipt_with_a_stamp_and_a_proof(self):
        self.request = self.bekendheidscheck()
        self.receipt = receipt = self.send(self.zsm, self.request)
        check_equal(uuid.UUID(receipt.bericht).version, 7, "UUID version of the bericht")
        check_equal(receipt.gesprek, receipt.bericht, "gesprek of a first bericht")
        check_equal(len(receipt.inhoud_zout), 32, "length of inhoud_zout")
        check_equal(len(receipt.aanvaardingen), 1, "number of aanvaardingen")
        accepted = receipt.aanvaardingen[0]
        check_equal(accepted.ontvanger, self.request.ontvangers[0], "ontvanger in the receipt")
        for field in ("grondslag", "regel", "verwerkingsactiviteit"):
            check(getattr(accepted.stempel, field), f"the stamp has no {field}")
        check_equal(len(bytes.fromhex(accepted.stempel.convenant)), 32, "length of the convenant's SHA-256")
        last_day = datetime.date.fromisoformat(accepted.stempel.houdbaar_tot_en_met)
        check(last_day >= today_in_amsterdam(), f"houdbaar until {last_day}, which is past")

        leaf = verified_leaf(accepted.bewijs, accepted.log_index)
        regel = json.loads(leaf)
        expected = {
            "v": 1,
            "soort": "aanvaard",
            "tijd": receipt.tijd,
            "bericht": receipt.bericht,
            "berichtsoort": "bekendheidscheck",
            "grondslag": accepted.stempel.grondslag,
            "houdbaar_tot_en_met": accepted.stempel.houdbaar_tot_en_met,
        }
        check_equal({key: regel.get(key) for key in expected}, expected, "the proven logregel")
        for personal in (NAAM, MEDEWERKER_AFZENDER, "1987-05-12"):
            check(personal not in leaf.decode("utf-8"), "the logregel holds personal data in the clear")

    def repeating_a_send_gives_the_original_receipt(self):
        again = self.send(self.zsm, self.request)
        for field in ("bericht", "gesprek", "tijd", "inhoud_zout"):
            check_equal(getattr(again, field), getattr(self.receipt, field), f"{field} of the repeated send")
        first, second = self.receipt.aanvaardingen[0], again.aanvaardingen[0]
        check_equal((second.log_index, second.stempel), (first.log_index, first.stempel), "stamp of the repeated send")

    def request_id_with_other_content_is_refused(self):
        other = self.pb.SendRequest.FromString(self.request.SerializeToString())
        other.inhoud.casusnummer_afzender = "INTEROP-2026-0002"
        self.refused(
            lambda: self.send(self.zsm, other), grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_HERGEBRUIKT"
        )

    def receive_delivers_and_acknowledges_on_the_stream(self):
        with Postvak(self.pb, self.zvh, self.loket_ontvanger, MEDEWERKER_ONTVANGER) as postvak:
            delivery = postvak.delivery_of(self.receipt.bericht)
            check_equal(delivery.afzender, self.pb.Adres(partner=AFZENDER, loket=self.loket_afzender), "afzender")
            check_equal(delivery.ontvanger, self.request.ontvangers[0], "ontvanger")
            check_equal(delivery.berichtsoort, "bekendheidscheck", "berichtsoort")
            check_equal(delivery.inhoud, self.request.inhoud, "delivered content")
            check_equal(delivery.stempel, self.receipt.aanvaardingen[0].stempel, "delivered stamp")
            check_equal(delivery.tijd, self.receipt.tijd, "time of acceptance")
            check_equal(delivery.poging, 1, "poging of a first delivery")
            check_equal(len(delivery.inhoud_zout), 32, "length of the delivered inhoud_zout")
            postvak.acknowledge(self.receipt.bericht)

    def fetch_reads_it_again(self):
        request = self.pb.FetchRequest(
            bericht=self.receipt.bericht, loket=self.loket_ontvanger, medewerker=MEDEWERKER_ONTVANGER
        )
        delivery = self.zvh.Fetch(request, timeout=CALL_SECONDS).aflevering
        check_equal((delivery.bericht, delivery.inhoud), (self.receipt.bericht, self.request.inhoud), "fetched bericht")

    def the_answer_comes_back_in_the_same_gesprek(self):
        known = self.inhoud_pb.Bekendheidsantwoord(uitkomst=self.inhoud_pb.BEKENDHEID_UITKOMST_BEKEND)
        request = self.pb.SendRequest(
            request_id=str(uuid.uuid4()),
            loket=self.loket_ontvanger,
            ontvangers=[self.pb.Adres(partner=AFZENDER, loket=self.loket_afzender)],
            in_antwoord_op=self.receipt.bericht,
            inhoud=self.inhoud(MEDEWERKER_ONTVANGER, bekendheidsantwoord=known),
        )
        self.answer = self.send(self.zvh, request)
        check_equal(self.answer.gesprek, self.receipt.gesprek, "gesprek of the answer")
        with Postvak(self.pb, self.zsm, self.loket_afzender, MEDEWERKER_AFZENDER) as postvak:
            delivery = postvak.delivery_of(self.answer.bericht)
            check_equal(delivery.in_antwoord_op, self.receipt.bericht, "in_antwoord_op of the answer")
            check_equal(
                delivery.inhoud.bekendheidsantwoord.uitkomst, self.inhoud_pb.BEKENDHEID_UITKOMST_BEKEND, "uitkomst"
            )
        confirm = self.pb.AcknowledgeRequest(bericht=self.answer.bericht, loket=self.loket_afzender)
        confirmed = self.zsm.Acknowledge(confirm, timeout=CALL_SECONDS)
        again = self.zsm.Acknowledge(confirm, timeout=CALL_SECONDS)
        check(confirmed.tijd, "the acknowledgement has no tijd")
        check_equal(again.tijd, confirmed.tijd, "tijd of a repeated acknowledgement")

    def status_shows_the_timeline(self):
        request = self.pb.GetStatusRequest(bericht=self.receipt.bericht)
        status = self.zsm.GetStatus(request, timeout=CALL_SECONDS)
        check_equal([entry.toestand for entry in status.ontvangers], [self.pb.TOESTAND_BEVESTIGD], "toestand")
        log_index = status.ontvangers[0].log_index
        check_equal(log_index, self.receipt.aanvaardingen[0].log_index, "log_index in the status")
        verified_leaf(status.ontvangers[0].bewijs, log_index)
        kinds = [event.soort for event in status.tijdlijn]
        check_equal(kinds[:3], ["aanvaard", "afgeleverd", "bevestigd"], "start of the timeline")
        indices = [event.log_index for event in status.tijdlijn]
        check_equal(indices, sorted(set(indices)), "log indices of the timeline, oldest first")
        by_request = self.pb.GetStatusRequest(request_id=self.request.request_id)
        found = self.zsm.GetStatus(by_request, timeout=CALL_SECONDS).bericht
        check_equal(found, self.receipt.bericht, "bericht found by request_id")

    def loketten_say_whom_to_reach_and_where_to_go_instead(self):
        request = self.pb.ListLokettenRequest(partner="dji")
        loketten = {entry.loket: entry for entry in self.zsm.ListLoketten(request, timeout=CALL_SECONDS).loketten}
        gesloten = [naam for naam, entry in loketten.items() if entry.HasField("gesloten_vanaf")]
        check_equal(len(gesloten), 1, "number of closed loketten")
        verwijst_naar = loketten[gesloten[0]].verwijst_naar
        check(verwijst_naar.loket in loketten, f"{gesloten[0]} refers to {verwijst_naar}, which is not there")
        for entry in loketten.values():
            check(entry.functie and entry.telefoon, f"nobody to call at {entry.loket}")

    def a_scenario_is_found_renewed_and_withdrawn(self):
        today = today_in_amsterdam().isoformat()
        content = self.inhoud_pb.Scenario(als="aanhouding", dan="bel", afgestemd_met=["om"])
        request = self.pb.SendRequest(
            request_id=str(uuid.uuid4()),
            loket=self.loket_ontvanger,
            ontvangers=[self.pb.Adres(partner=AFZENDER, loket=self.loket_afzender)],
            inhoud=self.inhoud(MEDEWERKER_ONTVANGER, scenario=content),
        )
        request.inhoud.peildatum = today
        old = self.send(self.zvh, request).bericht
        request.request_id, request.vervangt = str(uuid.uuid4()), old
        request.inhoud.scenario.actualiteit_getoetst_op = today
        new = self.send(self.zvh, request).bericht
        persoon = self.pb.Zoekpersoon(naam=NAAM.upper(), geboortedatum="1987-05-12")
        search = self.pb.FindScenarioRequest(persoon=persoon, zaaknummer="INTEROP-1", medewerker=MEDEWERKER_AFZENDER)
        found = self.zsm.FindScenario(search, timeout=CALL_SECONDS).scenarios
        check(new in [scenario.bericht for scenario in found], "the renewal is not found")
        check(old not in [scenario.bericht for scenario in found], "what was replaced is found still")
        fetch = self.pb.FetchRequest(bericht=old, loket=self.loket_afzender, medewerker=MEDEWERKER_AFZENDER)
        replaced = grpc.StatusCode.FAILED_PRECONDITION
        self.refused(lambda: self.zsm.Fetch(fetch, timeout=CALL_SECONDS), replaced, "VERVANGEN")
        fetch.bericht = new
        self.zsm.Fetch(fetch, timeout=CALL_SECONDS)
        withdraw = self.pb.WithdrawRequest(
            bericht=new,
            loket=self.loket_ontvanger,
            reden=self.inhoud_pb.REDEN_INTREKKING_CASUS_GESLOTEN,
            medewerker=MEDEWERKER_ONTVANGER,
        )
        withdrawn = self.zvh.Withdraw(withdraw, timeout=CALL_SECONDS)
        asked = self.pb.INTREKKING_UITKOMST_VERNIETIGING_GEVRAAGD
        check_equal([one.uitkomst for one in withdrawn.intrekkingen], [asked], "what the withdrawal did")
        with Postvak(self.pb, self.zsm, self.loket_afzender, MEDEWERKER_AFZENDER) as postvak:
            delivery = postvak.delivery_of(withdrawn.vernietigingsverzoek)
            check_equal(delivery.in_antwoord_op, new, "what is to be destroyed")

    def a_wrong_field_is_named(self):
        request = self.bekendheidscheck()
        request.inhoud.betrokkenen[0].geboortedatum = "12-05-1987"
        status = self.refused(
            lambda: self.send(self.zsm, request), grpc.StatusCode.INVALID_ARGUMENT, "ONGELDIG_VELD"
        )
        fields = [v.field for bad in unpack(status, error_details_pb2.BadRequest) for v in bad.field_violations]
        check_equal(fields, ["inhoud.betrokkenen[0].geboortedatum"], "fields in BadRequest")
        check("12-05-1987" not in str(status), "the refusal repeats the value")

    def garbage_is_refused(self):
        # An endless varint, a length beyond the end, a wire type that does not exist.
        for garbage in (b"\xff" * 16, b"\x0a\x7fshort", b"\x0f\x01"):
            self.refused(lambda body=garbage: self.raw_send(body), grpc.StatusCode.INVALID_ARGUMENT, "ONLEESBAAR")

    def an_oversized_message_is_refused(self):
        request = self.bekendheidscheck()
        request.inhoud.casusnummer_afzender = "x" * (MIB + 1)
        self.refused(lambda: self.send(self.zsm, request), grpc.StatusCode.INVALID_ARGUMENT, "TE_GROOT")

    def an_unknown_field_is_refused(self):
        # Field 999, a string of one byte.
        unknown = b"\xba\x3e\x01x"
        request = self.bekendheidscheck()
        outside = request.SerializeToString() + unknown
        request.inhoud.MergeFromString(unknown)
        for body in (request.SerializeToString(), outside):
            check(unknown in body, "the client itself dropped the unknown field")
            self.refused(lambda sent=body: self.raw_send(sent), grpc.StatusCode.INVALID_ARGUMENT, "ONBEKEND_VELD")

    def an_fg_certificate_may_not_exchange(self):
        stub = self.stub_class(self.connect(f"fg-{AFZENDER}"))
        self.refused(
            lambda: self.send(stub, self.bekendheidscheck()), grpc.StatusCode.PERMISSION_DENIED, "VERKEERDE_ROL"
        )

    def without_a_client_certificate_there_is_no_connection(self):
        ca, _, _ = read_profile(self.gateway.profile(AFZENDER))
        self.unreachable(channel(self.gateway.target(), ca))

    def with_an_unknown_ca_there_is_no_connection(self):
        ca, _, cert = read_profile(self.gateway.profile(AFZENDER))
        key, chain = with_unknown_ca(cert, ca)
        self.unreachable(channel(self.gateway.target(), ca, key, chain))

    def after_all_refusals_a_send_still_works(self):
        bericht = self.send(self.zsm, self.bekendheidscheck()).bericht
        check(bericht != self.receipt.bericht, "a new bericht has an old id")

    def the_logboek_verifies_after_a_clean_stop(self):
        self.open_channels.close()
        check_equal(self.gateway.terminate(), 0, "exit code after SIGTERM")
        command = [self.gateway.binary, "logboek", "verify", "--config", self.gateway.opened["config"]]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        check_equal(run.returncode, 0, f"exit code of logboek verify ({run.stdout}{run.stderr})")

    CHECKS = (
        send_gives_a_receipt_with_a_stamp_and_a_proof,
        repeating_a_send_gives_the_original_receipt,
        request_id_with_other_content_is_refused,
        receive_delivers_and_acknowledges_on_the_stream,
        fetch_reads_it_again,
        the_answer_comes_back_in_the_same_gesprek,
        status_shows_the_timeline,
        loketten_say_whom_to_reach_and_where_to_go_instead,
        a_scenario_is_found_renewed_and_withdrawn,
        a_wrong_field_is_named,
        garbage_is_refused,
        an_oversized_message_is_refused,
        an_unknown_field_is_refused,
        an_fg_certificate_may_not_exchange,
        without_a_client_certificate_there_is_no_connection,
        with_an_unknown_ca_there_is_no_connection,
        after_all_refusals_a_send_still_works,
        the_logboek_verifies_after_a_clean_stop,
    )


class Postvak:
    """A Receive stream: what the client says goes through a queue."""

    def __init__(self, pb, stub, loket, medewerker):
        self.pb = pb
        self.said = queue.Queue()
        self.say(open=pb.ReceiveOpen(loket=loket, krediet=100, medewerker=medewerker))
        self.stream = stub.Receive(iter(self.said.get, None), timeout=CALL_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.said.put(None)
        self.stream.cancel()

    def say(self, **verzoek):
        self.said.put(self.pb.ReceiveRequest(**verzoek))

    def delivery_of(self, bericht):
        # The demo's own story may have left other berichten in the postvak.
        for response in self.stream:
            if response.WhichOneof("antwoord") == "aflevering" and response.aflevering.bericht == bericht:
                return response.aflevering
        raise AssertionError(f"the stream ended without bericht {bericht}")

    def acknowledge(self, bericht):
        self.say(bevestig=bericht)
        for response in self.stream:
            kind = response.WhichOneof("antwoord")
            check(kind != "bevestiging_geweigerd", f"the acknowledgement was refused: {response}")
            if kind == "bevestigd":
                check_equal(response.bevestigd, bericht, "acknowledged bericht")
                return
        raise AssertionError("the stream ended without the acknowledgement")


def unpack(status, kind):
    found = []
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            message = kind()
            detail.Unpack(message)
            found.append(message)
    return found


def run_checks(suite, gateway, work):
    gateway.start()
    interop = suite(gateway, Stubs(work / "stubs"))
    failed = 0
    for number, one in enumerate(suite.CHECKS):
        name = one.__name__.replace("_", " ")
        try:
            one(interop)
        except Exception as error:  # every kind of mistake fails this check, and the next ones still run
            failed += 1
            print(f"FAILED  {name}: {error}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
            if number == 0:
                print("the rest needs this first bericht and was not tried", flush=True)
                return len(suite.CHECKS)
        else:
            print(f"ok      {name}", flush=True)
    return failed


def main(suite, kind=Gateway):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--binary", required=True, help="the ketenpoort program")
    binary = pathlib.Path(parser.parse_args().binary).resolve()
    if not binary.is_file():
        parser.error(f"there is no program {binary}")
    work = pathlib.Path(tempfile.mkdtemp(prefix="ketenpoort-interop-"))
    gateway = kind(str(binary), work)

    def too_late():
        print(f"FAILED  not done within {TOTAL_SECONDS} s\n{gateway.stderr_tail()}", flush=True)
        gateway.kill()
        shutil.rmtree(work, ignore_errors=True)
        os._exit(1)

    # Whoever stops this client stops the gateway too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A thread, not an alarm: it also ends a call that hangs inside grpc.
    watchdog = threading.Timer(TOTAL_SECONDS, too_late)
    watchdog.daemon = True
    watchdog.start()
    failed = len(suite.CHECKS)
    try:
        failed = run_checks(suite, gateway, work)
    except Exception:
        traceback.print_exc()
    finally:
        gateway.kill()
        if failed:
            print(f"the gateway's last messages:\n{gateway.stderr_tail()}", flush=True)
        watchdog.cancel()
        shutil.rmtree(work, ignore_errors=True)
    print(f"interop: {len(suite.CHECKS) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Interop))
