"""Fixtures that every test may use."""

import base64
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of its own for each test, always with the same numbers."""
    return np.random.default_rng(20260)


@pytest.fixture(scope="session")
def tiny_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two layers, 32 wide, reading 24 tokens, saved as an ordinary sentence-transformers folder."""
    # imported here: tests that need no model must not wait for torch
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = [*special, *letters, *(f"##{c}" for c in letters), "the", "cat", "dog", "runs", "query", ":"]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", special.index("[CLS]")), ("[SEP]", special.index("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    bare, whole = tmp_path_factory.mktemp("bert"), tmp_path_factory.mktemp("tiny") / "model"
    with torch.random.fork_rng():
        torch.manual_seed(1)
        BertModel(config).save_pretrained(bare)
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(bare)
    body = Transformer(str(bare), max_seq_length=24)
    modules = [body, Pooling(body.get_embedding_dimension(), "mean"), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(whole), create_model_card=False)
    return whole


@pytest.fixture(scope="session")
def write_onnx() -> Callable[..., Path]:
    """Writes an ONNX file of one table of 8 numbers per word: a token's vector depends on the others of its text.

    tokens = tanh(table[input_ids] + 3 mean), sentence = mean, where mean = mean of table[input_ids] over the mask.
    """
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto

    def write(
        path: Path,
        *,
        tokens: str | None = "last_hidden_state",
        sentence: str | None = None,
        kind: int = kinds.INT64,
        axes: tuple[int | str, int | str] = ("batch", "tokens"),
        extra_input: str | None = None,
        outside: str | None = None,
        seed: int = 3,
    ) -> Path:
        table = np.random.default_rng(seed).normal(size=(70, 8)).astype(np.float32)
        constants = {"table": table, "by_token": np.array([2]), "over": np.array([1]), "three": np.float32([3.0])}
        nodes = [
            ("Gather", ["table", "input_ids"], "looked_up", {}),
            ("Cast", ["attention_mask"], "mask", {"to": kinds.FLOAT}),
            ("Unsqueeze", ["mask", "by_token"], "columns", {}),
            ("Mul", ["looked_up", "columns"], "masked", {}),
            ("ReduceSum", ["masked", "over"], "total", {"keepdims": 1}),
            ("ReduceSum", ["columns", "over"], "n", {"keepdims": 1}),
            ("Div", ["total", "n"], "mean", {}),
            ("Mul", ["mean", "three"], "context", {}),
            ("Add", ["looked_up", "context"], "sum", {}),
            *([("Tanh", ["sum"], tokens, {})] if tokens else []),
            *([("Squeeze", ["mean", "over"], sentence, {})] if sentence else []),
        ]
        shapes = {tokens: ["batch", "tokens", 8], sentence: ["batch", 8]}
        graph = helper.make_graph(
            [helper.make_node(op, names, [made], **settings) for op, names, made, settings in nodes],
            "table",
            [
                helper.make_tensor_value_info(name, kind, axes)
                for name in ("input_ids", "attention_mask", *([extra_input] if extra_input else []))
            ],
            [helper.make_tensor_value_info(name, kinds.FLOAT, shape) for name, shape in shapes.items() if name],
            [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path, save_as_external_data=outside is not None, location=outside, size_threshold=1024)
        return path

    return write


@pytest.fixture(scope="session")
def onnx_model_folder(
    tiny_model_folder: Path, write_onnx: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The tokenizer and the modules of the tiny model behind an ONNX file; it has no other weights."""
    folder = Path(shutil.copytree(tiny_model_folder, tmp_path_factory.mktemp("onnx") / "model"))
    (folder / "model.safetensors").unlink()
    pooling = folder / "1_Pooling" / "config.json"
    stored = json.loads(pooling.read_text(encoding="utf-8"))
    pooling.write_text(json.dumps({**stored, "embedding_dimension": 8}), encoding="utf-8")
    write_onnx(folder / "model.onnx")
    return folder


def _tiny_family(root: Path, config: Any, model: Any, pooling: str, padding_side: str, ends: bool) -> Path:
    """A random model of any family, 32 wide, reading 24 tokens, saved as a sentence-transformers folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["<pad>", "<unk>", "</s>", *letters, *(f"##{c}" for c in letters), "the", "cat", "dog", "runs", "query"]
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 2)])
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model(config(vocab_size=len(words), pad_token_id=0, eos_token_id=2)).save_pretrained(root / "bare")
    names = {"unk_token": "<unk>", "pad_token": "<pad>", "eos_token": "</s>", "padding_side": padding_side}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(root / "bare")
    modules = [Transformer(str(root / "bare"), max_seq_length=24), Pooling(32, pooling), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(root / pooling), create_model_card=False)
    return root / pooling


@pytest.fixture(scope="session")
def tiny_t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoder and decoder of a T5, of which the encoder embeds: mean pooling, </s> behind each text."""
    from transformers import T5Config, T5ForConditionalGeneration

    def config(**ids: int) -> T5Config:
        return T5Config(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0, **ids)

    return _tiny_family(tmp_path_factory.mktemp("t5"), config, T5ForConditionalGeneration, "mean", "right", True)


@pytest.fixture(scope="session")
def tiny_decoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen3, which reads from left to right: last-token pooling, padding on the left, </s> behind each text."""
    from transformers import Qwen3Config, Qwen3Model

    def config(**ids: int) -> Qwen3Config:
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "max_position_embeddings": 64}
        return Qwen3Config(num_attention_heads=4, num_key_value_heads=2, head_dim=8, bos_token_id=None, **sizes, **ids)

    return _tiny_family(tmp_path_factory.mktemp("qwen3"), config, Qwen3Model, "lasttoken", "left", True)


@pytest.fixture(scope="session")
def tiny_gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 with learned positions: last-token pooling, padding on the left, nothing behind a text."""
    from transformers import GPT2Config, GPT2Model

    def config(**ids: int) -> GPT2Config:
        return GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=2, **ids)

    return _tiny_family(tmp_path_factory.mktemp("gpt2"), config, GPT2Model, "lasttoken", "left", False)


@dataclass
class Reply:
    """What the server does with one request: a status, headers, a body, and how slowly."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    wait_s: float = 0.0
    drop: bool = False
    drip_s: float = 0.0


@dataclass
class Service:
    """What arrived, and what to answer: one entry of `script` per request, then the right answer.

    Attributes:
        url: base URL.
        requests: bodies that arrived.
        headers: of each request.
        script: replies for the next requests; None = the right answer.
        change: applied to the right answer before it is sent.
    """

    url: str = ""
    width: int = 8
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    script: list[Reply | None] = field(default_factory=list)
    change: Callable[[dict[str, Any]], Any] = lambda told: told
    lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, **reply: Any) -> None:
        """Answer the next request that has no answer yet in this way; without arguments, rightly."""
        self.script.append(Reply(**reply) if reply else None)

    @property
    def texts(self) -> list[str]:
        """Every text that arrived, in order."""
        return [text for request in self.requests for text in request["input"]]

    def vector(self, text: str, width: int | None = None) -> np.ndarray:
        """What the server gives for a text: any numbers, not of length 1."""
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
        return np.random.default_rng(seed).normal(size=width or self.width).astype(np.float32) * 3

    def right(self, request: dict[str, Any]) -> dict[str, Any]:
        """The right answer, its rows in falling order."""
        rows = [self.vector(text, request.get("dimensions")) for text in request["input"]]
        if request.get("encoding_format") == "base64":
            stored: list[Any] = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows]
        else:
            stored = [[float(x) for x in row] for row in rows]
        data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(stored)][::-1]
        n_tokens = sum(len(text) // 2 for text in request["input"])
        usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
        return {"object": "list", "data": data, "model": request["model"], "usage": usage}


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with service.lock:
                service.requests.append(request)
                service.headers.append(dict(self.headers))
                scripted = service.script.pop(0) if service.script else None
            reply = scripted or Reply(body=service.change(service.right(request)))
            time.sleep(reply.wait_s)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            if self.path != "/v1/embeddings":
                reply, body = Reply(404), b"no such page"
            self.close_connection = True
            try:
                if reply.drop:
                    self.connection.close()
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for i in range(len(body)) if reply.drip_s else ():
                    self.wfile.write(body[i : i + 1])
                    time.sleep(reply.drip_s)
                self.wfile.write(b"" if reply.drip_s else body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client gave up waiting, as it was meant to

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def _running() -> Iterator[Service]:
    service = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service))
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with pytest.MonkeyPatch.context() as patched:
        # a proxy that the machine may have is no way to this server
        patched.setenv("no_proxy", "127.0.0.1")
        yield service
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A server of `/v1/embeddings` that answers rightly unless told otherwise; its key lies in $TEST_KEY."""
    monkeypatch.setenv("TEST_KEY", "sk-secret-0123456789")
    with _running() as service:
        yield service


@pytest.fixture(scope="module")
def standing_service() -> Iterator[Service]:
    """The same for all tests of a file."""
    with _running() as service:
        yield service
