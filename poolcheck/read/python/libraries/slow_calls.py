"""Calls that wait for what no database answers, often for seconds: what they are called, and what they wait for.

Sources: the signatures and manuals of the standard library, requests, httpx, aiohttp, urllib3, boto3, openai,
anthropic, litellm, langchain, google-genai, ollama, stripe, twilio, sendgrid, slack_sdk, aiosmtplib and paramiko.
"""

from collections.abc import Mapping
from typing import NamedTuple

SLEEPS = "sleeps"
ANSWER = "waits for the answer of another server"
MODEL = "waits for the answer of a language model"
PROGRAM = "waits for another program"
PERSON = "waits for somebody to type"
MAIL = "waits for a mail server"
THREAD = "waits for another thread"
CLIENT = "waits for the client to say something"

_VERBS = ("delete", "get", "head", "options", "patch", "post", "put", "request")


def _in(module: str, *names: str, waits: str) -> dict[str, str]:
    return {f"{module}.{name}": waits for name in names}


SLEEPING = frozenset(
    {"anyio.sleep", "asyncio.sleep", "eventlet.sleep", "gevent.sleep", "time.sleep", "trio.sleep"}
)
"""The functions that sleep for as long as their first argument says."""

FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(SLEEPING, SLEEPS),
    **_in("requests", *_VERBS, waits=ANSWER),
    **_in("requests.api", *_VERBS, waits=ANSWER),
    **_in("httpx", *_VERBS, "stream", waits=ANSWER),
    **_in("aiohttp", "request", waits=ANSWER),
    **_in("urllib.request", "urlopen", "urlretrieve", waits=ANSWER),
    **_in("urllib3", "request", waits=ANSWER),
    **_in(
        "subprocess", "call", "check_call", "check_output", "getoutput", "getstatusoutput", "run", waits=PROGRAM
    ),
    **_in("os", "system", waits=PROGRAM),
    **_in("getpass", "getpass", waits=PERSON),
    **_in("aiosmtplib", "send", waits=MAIL),
    **_in("smtplib", "SMTP", "SMTP_SSL", waits=MAIL),
    **_in("concurrent.futures", "wait", waits=THREAD),
    **_in(
        "openai", "ChatCompletion.acreate", "ChatCompletion.create", "Completion.acreate", "Completion.create",
        "Embedding.acreate", "Embedding.create", "chat.completions.create", "embeddings.create",
        "responses.create", waits=MODEL,
    ),
    **_in(
        "litellm", "acompletion", "aembedding", "aresponses", "completion", "embedding", "responses", waits=MODEL
    ),
    **_in("ollama", "chat", "embed", "embeddings", "generate", waits=MODEL),
    **_in("replicate", "async_run", "run", waits=MODEL),
    **_in(
        "stripe", "Charge.create", "Customer.create", "Customer.modify", "Customer.retrieve",
        "PaymentIntent.cancel", "PaymentIntent.capture", "PaymentIntent.confirm", "PaymentIntent.create",
        "PaymentIntent.retrieve", "Refund.create", "Subscription.create", "Subscription.delete",
        "Subscription.modify", "Subscription.retrieve", "checkout.Session.create", "checkout.Session.retrieve",
        waits=ANSWER,
    ),
}  # fmt: skip
"""Functions, by their full names, and what they wait for.

`smtplib.SMTP(host)` connects at once.
"""

BUILT_IN: Mapping[str, str] = {"input": PERSON}
"""Functions that need no import."""


class Client(NamedTuple):
    """Objects that talk to somebody else: what makes them, and which of their methods wait, or which do not."""

    makers: frozenset[str]
    waits: str
    methods: frozenset[str] = frozenset()
    besides: frozenset[str] = frozenset()

    def has(self, method: str) -> bool:
        """Whether a method waits."""
        return method in self.methods if self.methods else method not in self.besides and method[:1] != "_"


_HTTP = frozenset({*_VERBS, "send", "stream", "urlopen", "ws_connect"})
_CHATS = frozenset({"acreate", "create", "embed", "generate", "parse", "stream"})

CLIENTS = (
    Client(
        frozenset(
            {
                "aiohttp.ClientSession", "aiohttp.client.ClientSession", "httpx.AsyncClient", "httpx.Client",
                "requests.Session", "requests.session", "requests.sessions.Session", "urllib3.PoolManager",
            }
        ),
        ANSWER,
        _HTTP,
    ),
    Client(
        frozenset({"boto3.client"}),
        ANSWER,
        besides=frozenset(
            {
                "can_paginate", "close", "generate_presigned_post", "generate_presigned_url", "get_paginator",
                "get_waiter", "meta",
            }
        ),
    ),
    Client(
        frozenset(
            {
                "anthropic.Anthropic", "anthropic.AnthropicBedrock", "anthropic.AsyncAnthropic",
                "groq.AsyncGroq", "groq.Groq", "mistralai.Mistral", "openai.AsyncAzureOpenAI",
                "openai.AsyncOpenAI", "openai.AzureOpenAI", "openai.OpenAI",
            }
        ),
        MODEL,
        _CHATS | {"complete", "complete_async"},
    ),
    Client(
        frozenset(
            {
                "google.genai.Client", "google.generativeai.GenerativeModel",
                "vertexai.generative_models.GenerativeModel",
            }
        ),
        MODEL,
        frozenset(
            {
                "embed_content", "generate_content", "generate_content_async", "generate_content_stream",
                "generate_images",
            }
        ),
    ),
    Client(
        frozenset({"ollama.AsyncClient", "ollama.Client"}),
        MODEL,
        frozenset({"chat", "embed", "embeddings", "generate"}),
    ),
    Client(
        frozenset(
            {
                "langchain_anthropic.ChatAnthropic", "langchain_community.chat_models.ChatOpenAI",
                "langchain_google_genai.ChatGoogleGenerativeAI", "langchain_groq.ChatGroq",
                "langchain_ollama.ChatOllama", "langchain_openai.AzureChatOpenAI", "langchain_openai.ChatOpenAI",
            }
        ),
        MODEL,
        frozenset(
            {
                "abatch", "agenerate", "ainvoke", "apredict", "astream", "batch", "generate", "invoke", "predict",
                "stream",
            }
        ),
    ),
    Client(
        frozenset({"smtplib.SMTP", "smtplib.SMTP_SSL", "aiosmtplib.SMTP"}),
        MAIL,
        frozenset({"connect", "login", "send_message", "sendmail", "starttls"}),
    ),
    Client(
        frozenset({"asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell", "subprocess.Popen"}),
        PROGRAM,
        frozenset({"communicate", "wait"}),
    ),
    Client(frozenset({"paramiko.SSHClient", "paramiko.client.SSHClient"}), ANSWER, frozenset({"connect"})),
    Client(
        frozenset({"fastapi.WebSocket", "fastapi.websockets.WebSocket", "starlette.websockets.WebSocket"}),
        CLIENT,
        frozenset({"receive", "receive_bytes", "receive_json", "receive_text"}),
    ),
    Client(frozenset({"twilio.rest.Client"}), ANSWER, frozenset({"create"})),
    Client(frozenset({"sendgrid.SendGridAPIClient"}), MAIL, frozenset({"send"})),
    Client(
        frozenset({"slack_sdk.WebClient", "slack_sdk.web.async_client.AsyncWebClient"}),
        ANSWER,
        frozenset({"chat_postMessage", "chat_update", "files_upload", "files_upload_v2"}),
    ),
)  # fmt: skip
"""Clients of other servers."""

METHODS = frozenset[str]().union(*(client.methods for client in CLIENTS))
"""The methods that wait, but for those of clients of which all do."""

IN_THREADS = frozenset(
    {
        "anyio.to_thread.run_sync", "asgiref.sync.sync_to_async", "asyncio.to_thread",
        "fastapi.concurrency.run_in_threadpool", "starlette.concurrency.run_in_threadpool",
    }
)  # fmt: skip
"""Functions that have a thread call what they are given, and wait for it."""

STARTING = frozenset(
    {
        "add_task", "apply_async", "call_soon", "create_task", "delay", "enqueue", "ensure_future",
        "run_coroutine_threadsafe", "spawn", "spawn_later", "start_new_thread", "start_soon",
    }
)  # fmt: skip
"""Functions that have what they are given done later, and do not wait for it."""
