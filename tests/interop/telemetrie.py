"""A collector of another make for what the gateway tells of itself: OTLP over gRPC and over HTTP, with the protobuf of OpenTelemetry.

Plays all that `client.py` plays against a gateway that sends its traces, metrics and process log here. Then follows one bericht through its
trace, and looks in everything that arrived for every name, number and text that was sent. A collector that is away, hangs, refuses, answers
nonsense or sends elsewhere costs no call. Loopback only.

Exit code 0 when every check held, else 1.
"""

import concurrent.futures
import http.server
import json
import pathlib
import re
import sys
import threading
import time
import urllib.request
import uuid

import client
import grpc
from client import ONTVANGER, Interop, Postvak, check, check_equal
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

ARRIVES_SECONDS = 30
# What a partner can write where the gateway looks: none of it may go further.
TRACESTATE = "rojo=geheim-van-een-partner"
METHODE = "GeheimeMethode"
# How the HTTP collector can answer.
GOOD, REFUSES, NONSENSE, ELSEWHERE, HANGS = "good", "refuses", "nonsense", "elsewhere", "hangs"


class Collector:
    """All that arrived, whatever the way."""

    KINDS = {
        "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
        "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
        "/v1/logs": logs_service_pb2.ExportLogsServiceRequest,
    }

    def __init__(self):
        self.arrived = {path: [] for path in self.KINDS}
        self.mode = GOOD
        self.redirected = 0
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self._grpc("/v1/traces", trace_service_pb2), self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(self._grpc("/v1/metrics", metrics_service_pb2), self.server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(self._grpc("/v1/logs", logs_service_pb2), self.server)
        self.grpc_port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._http())
        self.http_port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def _grpc(self, path, module):
        collector = self

        class Servicer:
            def Export(self, request, _context):  # noqa: N802, the name is OTLP's
                collector.arrived[path].append(request)
                kind = request.DESCRIPTOR.name.replace("Request", "Response")
                return getattr(module, kind)()

        return Servicer()

    def _http(self):
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/elsewhere":
                    collector.redirected += 1
                if collector.mode == HANGS:
                    time.sleep(60)
                    return
                if collector.mode == GOOD and self.path in collector.KINDS:
                    collector.arrived[self.path].append(collector.KINDS[self.path].FromString(body))
                code = {REFUSES: 404, ELSEWHERE: 307}.get(collector.mode, 200)
                answer = b"<html>nonsense" * 100_000 if collector.mode == NONSENSE else b""
                self.send_response(code)
                if code == 307:
                    self.send_header("location", f"http://127.0.0.1:{collector.http_port}/elsewhere")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        return Handler

    def spans(self):
        for request in list(self.arrived["/v1/traces"]):
            for of_resource in request.resource_spans:
                for scope in of_resource.scope_spans:
                    yield from scope.spans

    def lines(self):
        for request in list(self.arrived["/v1/logs"]):
            for of_resource in request.resource_logs:
                for scope in of_resource.scope_logs:
                    yield from scope.log_records

    def metrics(self):
        for request in list(self.arrived["/v1/metrics"]):
            for of_resource in request.resource_metrics:
                for scope in of_resource.scope_metrics:
                    yield from (metric.name for metric in scope.metrics)

    def everything(self):
        return "\n".join(str(request) for requests in self.arrived.values() for request in list(requests))


def until(what, holds):
    deadline = time.monotonic() + ARRIVES_SECONDS
    while True:
        found = holds()
        if found:
            return found
        check(time.monotonic() < deadline, f"waited in vain: {what}")
        time.sleep(0.1)


def attributes(of):
    return {entry.key: entry.value.string_value or entry.value.int_value for entry in of.attributes}


def texts(message):
    """Every text that somebody wrote in a message, and bytes of a request id."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else [value]
        for one in values:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                yield from texts(one)
            elif field.type == FieldDescriptor.TYPE_STRING:
                yield one


class Watched(client.Gateway):
    """A gateway whose configuration names a collector."""

    def start(self):
        super().start()
        check_equal(self.terminate(), 0, "exit code of the demo")
        self.collector = Collector()
        self.send_to(f"http://127.0.0.1:{self.collector.grpc_port}", "grpc")

    def send_to(self, address, protocol):
        config = pathlib.Path(self.opened["config"])
        text = re.sub(r"\n\[telemetrie\][^\[]*", "\n", config.read_text(encoding="utf-8"))
        config.write_text(f'{text}\n[telemetrie]\nadres = "{address}"\nprotocol = "{protocol}"\n', encoding="utf-8")
        self.serve()
        until("the gateway is ready", lambda: self.ready())

    def waarneming(self, path):
        config = pathlib.Path(self.opened["config"]).read_text(encoding="utf-8")
        address = re.search(r'\[waarneming\][^\[]*?adres = "([^"]+)"', config)[1]
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.read().decode()

    def ready(self):
        try:
            return json.loads(self.waarneming("/ready"))["gereed"]
        except OSError:
            return False

    def lost(self, signal):
        found = re.search(rf'ketenpoort_telemetry_lost_total{{[^}}]*signal="{signal}"[^}}]*}} (\d+)', self.waarneming("/metrics"))
        return int(found[1]) if found else 0


class Telemetrie(Interop):
    """What `client.py` plays, and then what came of it here."""

    def __init__(self, gateway, stubs):
        self.sent = set()
        super().__init__(gateway, stubs)
        self.collector = gateway.collector

    def send(self, stub, request):
        self.sent.update(texts(request.inhoud))
        return super().send(stub, request)

    def one_trace_goes_from_a_send_to_its_handing_out(self):
        trace, parent = uuid.uuid4().hex, uuid.uuid4().hex[:16]
        metadata = (("traceparent", f"00-{trace}-{parent}-01"), ("tracestate", TRACESTATE))
        request = self.bekendheidscheck()
        self.sent.update(texts(request.inhoud))
        answer, call = self.zsm.Send.with_call(request, timeout=client.CALL_SECONDS, metadata=metadata)
        given = dict(call.initial_metadata())["traceparent"]
        bericht = answer.ontvangstbewijs.bericht
        with Postvak(self.pb, self.zvh, self.loket_ontvanger, client.MEDEWERKER_ONTVANGER) as postvak:
            postvak.delivery_of(bericht)
            postvak.acknowledge(bericht)
        wanted = {"toelaten", "verzegelen", "wachten op de schrijver", "vastleggen", "afleveren"}

        def of_trace():
            spans = {span.name: span for span in self.collector.spans() if span.trace_id.hex() == trace}
            return spans if wanted | {"ketenpoort.v1.ExchangeService/Send"} <= spans.keys() else None

        spans = until(f"a span of each of {wanted}", of_trace)
        send = spans["ketenpoort.v1.ExchangeService/Send"]
        check_equal(send.parent_span_id.hex(), parent, "parent of the span of the call")
        check_equal(given, f"00-{trace}-{send.span_id.hex()}-01", "traceparent in the answer")
        for name in wanted:
            check_equal(spans[name].parent_span_id, send.span_id, f"parent of {name}")
        of_call = attributes(send)
        check_equal(of_call["rpc.system.name"], "grpc", "rpc.system.name")
        check_equal(of_call["rpc.response.status_code"], "OK", "rpc.response.status_code")
        check_equal(of_call["ketenpoort.partner"], client.AFZENDER, "ketenpoort.partner")
        links = [link.span_id for link in spans["vastleggen"].links]
        transactions = [span for span in self.collector.spans() if span.span_id in links]
        check_equal([span.name for span in transactions], ["transactie"], "what the writing links to")
        check(send.span_id in [link.span_id for link in transactions[0].links], "the transaction does not link to the call")
        check(spans["afleveren"].links, "the handing out does not link to the call of its receiver")

    def a_method_that_there_is_not_has_one_name(self):
        call = self.afzender_channel.unary_unary(f"/ketenpoort.v1.ExchangeService/{METHODE}")
        self.refused(lambda: call(b"", timeout=client.CALL_SECONDS), grpc.StatusCode.UNIMPLEMENTED, "METHODE_ONBEKEND")
        until("its span", lambda: any(attributes(span).get("rpc.method") == "_OTHER" for span in self.collector.spans()))

    def the_resource_says_which_gateway_it_is(self):
        request = until("a request with spans", lambda: self.collector.arrived["/v1/traces"][:1])[0]
        of = attributes(request.resource_spans[0].resource)
        check_equal(of["service.name"], "ketenpoort", "service.name")
        check(of["service.version"] and uuid.UUID(of["service.instance.id"]), f"version and instance: {of}")

    def metrics_and_the_process_log_arrive_too(self):
        until("metrics", lambda: {"ketenpoort_calls", "ketenpoort_commit_duration"} <= set(self.collector.metrics()))

        def in_trace():
            known = {span.trace_id for span in self.collector.spans()}
            return [line for line in self.collector.lines() if line.body.string_value == "answered" and line.trace_id in known]

        until("a line of the process log in the trace of its call", in_trace)

    def nothing_that_somebody_wrote_is_in_it(self):
        everything = self.collector.everything()
        check(len(everything) > 20_000, "hardly anything arrived")
        # Partners are named, as they are in the process log.
        own = {"politie", "zsm", "om", "dji", "3ro", "vt"}
        secret = {text for text in self.sent if len(text) > 3} - own
        secret |= {client.NAAM, *client.NAAM.split(), client.MEDEWERKER_AFZENDER, client.MEDEWERKER_ONTVANGER, "INTEROP-2026-0001"}
        secret |= {TRACESTATE, TRACESTATE.split("=")[1], METHODE}
        check(len(secret) > 15, f"hardly anything to look for: {secret}")
        found = sorted(text for text in secret if text in everything)
        check(not found, f"in the telemetry: {found}")

    def a_collector_that_is_away_costs_no_call(self):
        self.collector.server.stop(None).wait()
        self.take_no_longer("a collector that is away")

    def over_http_it_arrives_as_well(self):
        for requests in self.collector.arrived.values():
            requests.clear()
        self.move_to_http()
        self.send(self.zsm, self.bekendheidscheck())
        for path in Collector.KINDS:
            until(f"{path} over HTTP", lambda path=path: self.collector.arrived[path])

    def a_collector_that_refuses_or_says_nonsense_costs_no_call(self):
        for mode in (REFUSES, ELSEWHERE, NONSENSE, HANGS):
            self.collector.mode = mode
            self.take_no_longer(f"a collector that {mode}")
        check_equal(self.collector.redirected, 0, "requests that went where a redirect pointed")
        self.collector.mode = GOOD

    def a_stop_does_not_wait_long_for_a_collector_that_hangs(self):
        self.collector.mode = HANGS
        self.send(self.zsm, self.bekendheidscheck())
        begun = time.monotonic()
        self.the_logboek_verifies_after_a_clean_stop()
        check(time.monotonic() - begun < 20, "the stop took over 20 s")

    def move_to_http(self):
        self.open_channels.close()
        check_equal(self.gateway.terminate(), 0, "exit code after SIGTERM")
        self.gateway.send_to(f"http://127.0.0.1:{self.collector.http_port}", "http")
        self.afzender_channel = self.connect(client.AFZENDER)
        self.zsm = self.stub_class(self.afzender_channel)
        self.zvh = self.stub_class(self.connect(ONTVANGER))

    def take_no_longer(self, what):
        """Calls go on while nothing arrives, and what is lost is counted."""
        before = self.gateway.lost("traces")
        begun = time.monotonic()
        for _ in range(50):
            self.send(self.zsm, self.bekendheidscheck())
        check(time.monotonic() - begun < 10, f"50 sends took over 10 s with {what}")
        until(f"lost spans with {what}", lambda: self.gateway.lost("traces") > before)

    CHECKS = (
        *Interop.CHECKS[:-1],
        one_trace_goes_from_a_send_to_its_handing_out,
        a_method_that_there_is_not_has_one_name,
        the_resource_says_which_gateway_it_is,
        metrics_and_the_process_log_arrive_too,
        nothing_that_somebody_wrote_is_in_it,
        a_collector_that_is_away_costs_no_call,
        over_http_it_arrives_as_well,
        a_collector_that_refuses_or_says_nonsense_costs_no_call,
        a_stop_does_not_wait_long_for_a_collector_that_hangs,
    )


if __name__ == "__main__":
    sys.exit(client.main(Telemetrie, Watched))
