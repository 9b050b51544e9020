"""All settings, nested by feature. The only reader of the environment and of `.env`.

`KIS_APP_KEY=…` sets `settings.kis.app_key`: the part before the first underscore names the group.
Every outside service is optional and every outside address is a setting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from core.errors import BadSettings

Names = Annotated[tuple[str, ...], NoDecode]
Ids = Annotated[tuple[int, ...], NoDecode]


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class AppSettings(BaseModel):
    """The process itself."""

    data_dir: Path = Field(Path("var"), description="where the private servers and files live")
    language: Literal["ko", "en"] = Field("ko", description="language of those who chose none")
    jobs: bool = Field(True, description="strive to lead: schedule, workers and sender; one leads at a time")


class LogSettings(BaseModel):
    """Logs."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level shown")
    file: Path | None = Field(Path("logs/app.log"), description="rotating log file; - for none")
    kept_days: int = Field(30, ge=1, le=3650, description="days a log row stays in the database")

    @field_validator("file", mode="before")
    @classmethod
    def _dash_is_none(cls, value: object) -> object:
        return None if value in {"", "-"} else value


class TelegramSettings(BaseModel):
    """The bot's account and who runs it."""

    bot_token: SecretStr | None = Field(None, description="from @BotFather; the only required setting")
    admin_ids: Ids = Field((), description="user ids of the owners, separated by commas: always admins")
    sign_up: Literal["open", "invite", "list"] = Field(
        "open", description="newcomers: open = let in, invite = need an invitation, list = wait for an admin"
    )
    allowed_ids: Ids = Field((), description="user ids let in at once whatever sign-up says, separated by commas")
    base_url: str = Field("https://api.telegram.org", description="Bot API address")
    webhook_url: str = Field("", description="https address Telegram brings updates to; they are polled for if empty")
    webhook_secret: SecretStr | None = Field(None, description="1 to 256 of A-Z a-z 0-9 _ -; with WEBHOOK_URL")
    webhook_host: str = Field("127.0.0.1", description="address the webhook binds to, behind a proxy that has TLS")
    webhook_port: int = Field(8443, ge=0, le=65_535, description="port of the webhook")

    _ids = field_validator("admin_ids", "allowed_ids", mode="before")(_split)

    @model_validator(mode="after")
    def _has_webhook_secret(self) -> TelegramSettings:
        secret = self.webhook_secret.get_secret_value() if self.webhook_secret else ""
        if self.webhook_url and not re.match("https?://", self.webhook_url):
            raise ValueError("TELEGRAM_WEBHOOK_URL must begin with https://")
        if self.webhook_url and not re.fullmatch("[A-Za-z0-9_-]{1,256}", secret):
            raise ValueError("TELEGRAM_WEBHOOK_URL needs TELEGRAM_WEBHOOK_SECRET: 1 to 256 of A-Z a-z 0-9 _ -")
        return self


class DatabaseSettings(BaseModel):
    """PostgreSQL 15 or newer."""

    url: SecretStr | None = Field(None, description="postgresql://user:password@host/name; a private server if empty")
    pool_size: int = Field(10, ge=2, le=100, description="connections kept")


class RedisSettings(BaseModel):
    """Redis."""

    url: SecretStr | None = Field(None, description="redis://host:6379/0; a private server if empty")


class MilvusSettings(BaseModel):
    """Milvus."""

    uri: str | None = Field(None, description="http://host:19530; a private file if empty")
    token: SecretStr | None = Field(None, description="Milvus token, if it asks for one")


class KisSettings(BaseModel):
    """Market data of Korea Investment & Securities."""

    app_key: SecretStr | None = Field(None, description="app key; without it no live quotes")
    app_secret: SecretStr | None = Field(None, description="app secret")
    paper: bool = Field(False, description="the key belongs to the paper-trading environment")
    base_url: str = Field("", description="API address; the official one of the environment if empty")
    ws_url: str = Field(
        "",
        pattern=r"^(wss?://.+)?$",
        description="address of the stream of trades; the official one if this and KIS_BASE_URL are empty, else none",
    )
    master_url: str = Field(
        "https://new.real.download.dws.co.kr/common/master/", description="where the stock master files are"
    )
    calls_per_second: float | None = Field(None, gt=0, description="official rate if empty: 18 real, 1 paper")
    minute_months: int = Field(6, ge=1, le=120, description="months that minute bars are kept; some 2.5 GB each")

    @property
    def address(self) -> str:
        """The API address in force."""
        paper, real = "https://openapivts.koreainvestment.com:29443", "https://openapi.koreainvestment.com:9443"
        return (self.base_url or (paper if self.paper else real)).rstrip("/")

    @property
    def ws_address(self) -> str:
        """The address of the stream of trades in force; empty for none."""
        official = f"ws://ops.koreainvestment.com:{31000 if self.paper else 21000}/tryitout"
        return self.ws_url or ("" if self.base_url else official)

    @property
    def rate(self) -> float:
        """Calls a second in force."""
        return self.calls_per_second or (1.0 if self.paper else 18.0)


class AlertSettings(BaseModel):
    """Where alerts to the admins go besides Telegram and the log."""

    webhook_url: SecretStr | None = Field(
        None, description="address that every alert is posted to as JSON; https, or http on this machine"
    )

    @field_validator("webhook_url")
    @classmethod
    def _is_safe(cls, value: SecretStr | None) -> SecretStr | None:
        address = urlsplit(value.get_secret_value()) if value else None
        local = address is not None and address.hostname in {"127.0.0.1", "::1", "localhost"}
        allowed = {"https", "http"} if local else {"https"}
        if address is not None and not (address.hostname and address.scheme in allowed):
            raise ValueError("must begin with https:// (http:// on this machine only)")
        return value


class HttpSettings(BaseModel):
    """The HTTP port for machines: /health, /health/{component}, /metrics."""

    port: int | None = Field(None, ge=0, le=65_535, description="where it answers; off if empty, 0 for any free one")
    host: str = Field("127.0.0.1", description="address it binds to; whoever reaches it may read it")


class NewsSettings(BaseModel):
    """News sources."""

    sources: Names = Field((), description="sources switched on by name although their robots file forbids it")
    naver_stock_url: str = Field("https://stock.naver.com", description="Naver market lists")
    naver_mobile_url: str = Field("https://m.stock.naver.com", description="Naver lists per stock")
    naver_article_url: str = Field("https://n.news.naver.com", description="Naver article pages")
    naver_search_api: Literal["developers", "hub"] = Field(
        "developers", description="where the Naver search key is from: developers (until 2027-06-30) or hub"
    )
    naver_client_id: SecretStr | None = Field(None, description="key id of the Naver search API; without it no search")
    naver_client_secret: SecretStr | None = Field(None, description="key of the Naver search API")
    naver_search_url: str = Field("", description="address of the Naver search API; the official one if empty")
    naver_daily_calls: int = Field(25_000, ge=0, description="searches a day the key allows")
    hankyung_url: str = Field("https://www.hankyung.com", description="Hankyung feeds and article pages")
    mk_url: str = Field("https://www.mk.co.kr", description="Maeil feeds, sitemap and article pages")
    reddit_client_id: SecretStr | None = Field(None, description="id of an approved Reddit app; without it no Reddit")
    reddit_client_secret: SecretStr | None = Field(None, description="secret of the Reddit app")
    reddit_user_agent: str = Field(
        "linux:stockpilot:0.1 (read-only market news)", description="how Reddit is told who asks: add (by /u/name)"
    )
    reddit_subreddits: Names = Field(
        ("korea", "stocks", "investing", "ValueInvesting"), description="subreddits read, separated by commas"
    )
    reddit_url: str = Field("https://www.reddit.com", description="where Reddit gives tokens")
    reddit_api_url: str = Field("https://oauth.reddit.com", description="Reddit API address")
    seconds_between_calls: float = Field(0.5, ge=0, description="least time between two calls of one host")

    _names = field_validator("sources", "reddit_subreddits", mode="before")(_split)

    @field_validator("reddit_subreddits")
    @classmethod
    def _are_subreddits(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in names if not re.fullmatch("[A-Za-z0-9_]{2,21}", name)]:
            raise ValueError(f"not the name of a subreddit: {wrong[0][:30]}")
        return names

    @property
    def naver_search_address(self) -> str:
        """Where searches are sent."""
        developers, hub = "https://openapi.naver.com", "https://naverapihub.apigw.ntruss.com"
        return (self.naver_search_url or (hub if self.naver_search_api == "hub" else developers)).rstrip("/")


class DartSettings(BaseModel):
    """Disclosures of the Financial Supervisory Service."""

    api_key: SecretStr | None = Field(None, description="key of OpenDART; without it the public feed alone is read")
    base_url: str = Field("https://opendart.fss.or.kr/api", description="OpenDART address")
    daily_calls: int = Field(20_000, ge=0, description="calls a day the key allows")
    rss_url: str = Field("https://dart.fss.or.kr/api", description="where the feeds are; none is read if empty")
    day_list_url: str = Field(
        "",
        description="list of a day on the website, https://dart.fss.or.kr/dsac001/search.ax; not read if empty: "
        "whether a program may is for the operator to decide",
    )


class OpenAISettings(BaseModel):
    """OpenAI: models and embeddings."""

    api_key: SecretStr | None = Field(None, description="key; without it a local embedding is used")
    base_url: str = Field("https://api.openai.com/v1", description="API address")
    embedding_model: str = Field("text-embedding-3-small", description="1,536 dimensions")


class OpenRouterSettings(BaseModel):
    """OpenRouter: further models."""

    api_key: SecretStr | None = Field(None, description="key")
    base_url: str = Field("https://openrouter.ai/api/v1", description="API address")


class LLMSettings(BaseModel):
    """How models are used and what they may cost."""

    models: Names = Field(
        ("openai:gpt-6-luna", "openrouter:deepseek/deepseek-v3.2"),
        description="provider:model, the first is the one whose words are shown",
    )
    daily_budget_usd: float = Field(5.0, ge=0, description="most spent in a day")
    monthly_budget_usd: float = Field(100.0, ge=0, description="most spent in a month")
    timeout_seconds: float = Field(60.0, gt=0, description="most one call may take")
    won_per_usd: float = Field(1_400.0, gt=0, description="rate used to show costs in won")
    at_budget: Literal["stop", "cheaper"] = Field(
        "stop", description="at 100 % of the budget: stop calling, or go on with the cheaper model"
    )
    cheaper_model: str = Field("", description="provider:model that goes on when the budget is used up")
    cheaper_extra_percent: int = Field(
        20, ge=0, le=100, description="the most it may spend beyond the budget, in percent of it"
    )

    _names = field_validator("models", mode="before")(_split)

    @model_validator(mode="after")
    def _has_cheaper_model(self) -> LLMSettings:
        provider, _, name = self.cheaper_model.partition(":")
        if self.at_budget == "cheaper" and not (provider and name):
            raise ValueError("LLM_AT_BUDGET=cheaper needs LLM_CHEAPER_MODEL=provider:model")
        return self


class UsageSettings(BaseModel):
    """Records of outside calls. Daily figures are kept for ever."""

    raw_days: int = Field(14, ge=2, description="days the rows of unpaid calls (market data, news) are kept")
    paid_days: int = Field(400, ge=62, description="days the rows of paid calls are kept")


class StrategiesSettings(BaseModel):
    """Supervised workers."""

    tell_signals: bool = Field(False, description="tell the admins of every signal a strategy finds")


class Settings(BaseSettings):
    """Every setting of the product."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    app: AppSettings = Field(default_factory=AppSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    telegram: TelegramSettings = Field(default_factory=TelegramSettings)
    alert: AlertSettings = Field(default_factory=AlertSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    milvus: MilvusSettings = Field(default_factory=MilvusSettings)
    kis: KisSettings = Field(default_factory=KisSettings)
    news: NewsSettings = Field(default_factory=NewsSettings)
    dart: DartSettings = Field(default_factory=DartSettings)
    openai: OpenAISettings = Field(default_factory=OpenAISettings)
    openrouter: OpenRouterSettings = Field(default_factory=OpenRouterSettings)
    llm: LLMSettings = Field(default_factory=LLMSettings)
    usage: UsageSettings = Field(default_factory=UsageSettings)
    strategies: StrategiesSettings = Field(default_factory=StrategiesSettings)


def load_settings() -> Settings:
    """The settings from the environment and `.env`; raises `BadSettings` with one line naming the bad ones."""
    try:
        return Settings()
    except ValidationError as error:
        problems = (
            f"{'_'.join(str(part) for part in problem['loc'][:2]).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        raise BadSettings("; ".join(problems)) from None


class _Given(Settings):
    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def given_settings(groups: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Settings from the values given alone; the environment and `.env` are not read."""
    return _Given.model_validate(groups)


def secret_values(settings: Settings) -> tuple[str, ...]:
    """The value of every secret that is set, for what must never show one."""
    groups = (getattr(settings, group) for group in Settings.model_fields)
    values = (getattr(group, name) for group in groups for name in type(group).model_fields)
    return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))


def environment_names() -> list[str]:
    """Every environment variable that is read."""
    return [f"{group}_{name}".upper() for group, fields in _groups() for name in fields]


def example_file() -> str:
    """The content of `.env.example`: every setting, commented out at its default, with what it is for."""
    lines = ["# Every setting, at its default. Copy this file to .env and set what you need.\n"]
    for group, fields in _groups():
        lines.append(f"\n# {(_group_type(group).__doc__ or '').strip()}\n")
        lines += [f"#   {field.description}\n#{group}_{name}={_shown(field)}\n" for name, field in fields.items()]
    text = "".join(lines)
    return re.sub(r"^#([a-z_]+)=", lambda found: f"#{found[1].upper()}=", text, flags=re.MULTILINE)


def _groups() -> Iterator[tuple[str, dict[str, FieldInfo]]]:
    for group in Settings.model_fields:
        yield group, _group_type(group).model_fields


def _group_type(group: str) -> type[BaseModel]:
    annotation = Settings.model_fields[group].annotation
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _shown(field: FieldInfo) -> str:
    if field.default is None:
        return ""
    return ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
