"""Requests and answers of the steering API; no torch.

Strengths are multiples of the feature's largest activation: the model's residual gets
`strength * max_activation * decoder row` added. 0 changes nothing, 1 is a strong push,
negative values suppress; beyond 1.5 text tends to fall apart. Where an SAE has no
catalogue the unit is 1.0 (`strength_unit` of the SAE says which).
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from reference_app.whole import Whole

Strength = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
FeatureIndex = Annotated[Whole, Field(ge=0, lt=10_000_000)]

#: For OpenAPI; `_distinct` is what checks it.
DISTINCT: dict[str, JsonValue] = {"uniqueItems": True}

#: Of the SAE that comes with the application.
EXAMPLE: dict[str, JsonValue] = {
    "sae_id": "storyteller-layer1-topk",
    "prompt": "The storm",
    "max_new_tokens": 20,
}


def _distinct(values: list[Any], what: str) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError(f"{what} must differ from each other, but got {values}")
    return values


class FeatureStrengths(BaseModel):
    """One feature and the strengths to compare it at."""

    # Strict: else `false` is taken as the number 0.
    model_config = ConfigDict(extra="forbid", strict=True)

    feature_idx: FeatureIndex
    strengths: list[Strength] = Field(
        min_length=1, max_length=8, json_schema_extra=DISTINCT
    )

    @field_validator("strengths")
    @classmethod
    def _strengths_differ(cls, strengths: list[float]) -> list[float]:
        return _distinct(strengths, "strengths")


class _SteeringRequest(BaseModel):
    """What compare and sweep have in common."""

    # Strict: else `false` is taken as the number 0.
    model_config = ConfigDict(extra="forbid", strict=True)

    sae_id: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._/-]+$")
    prompt: str = Field(min_length=1, max_length=4000)
    max_new_tokens: Whole = Field(40, ge=1, le=100)
    temperature: float = Field(
        0.8, ge=0, le=2, allow_inf_nan=False, description="0 takes the likeliest token"
    )
    seed: Whole = Field(0, ge=0, le=2**31 - 1)
    num_samples: Whole = Field(
        1, ge=1, le=256, description="rows per strength, averaged in the metrics"
    )

    # What a client may believe about the SAE; refused when the files say otherwise.
    model_id: str | None = None
    sae_layer: Whole | None = None
    sae_d_model: Whole | None = None
    sae_n_features: Whole | None = None
    sae_architecture: str | None = None

    @field_validator("prompt")
    @classmethod
    def _prompt_has_words(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError("prompt must hold at least one word, but got only spaces")
        return prompt


class SteeringComparisonRequest(_SteeringRequest):
    """Compare unsteered text with each feature at each of its strengths."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**EXAMPLE, "features": [{"feature_idx": 0, "strengths": [-1.0, 1.0]}]}
            ]
        }
    )

    features: list[FeatureStrengths] = Field(min_length=1, max_length=8)

    @field_validator("features")
    @classmethod
    def _features_differ(
        cls, features: list[FeatureStrengths]
    ) -> list[FeatureStrengths]:
        _distinct([feature.feature_idx for feature in features], "feature_idx")
        return features


class SteeringSweepRequest(_SteeringRequest):
    """Sweep one feature over many strengths."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**EXAMPLE, "feature_idx": 0, "strengths": [-1.0, 0.5, 1.0]}]
        }
    )

    feature_idx: FeatureIndex
    strengths: list[Strength] = Field(
        min_length=1, max_length=32, json_schema_extra=DISTINCT
    )

    @field_validator("strengths")
    @classmethod
    def _strengths_differ(cls, strengths: list[float]) -> list[float]:
        return _distinct(strengths, "strengths")


class SteeringTaskResponse(BaseModel):
    """Answer to a submission: the job's id and where its events come."""

    task_id: str
    status: str
    message: str
    websocket_channel: str


class SteeringResultResponse(BaseModel):
    """Where a job stands; `progress` in percent, -1 when it failed."""

    task_id: str
    status: str
    state: str
    result: dict[str, Any] | None = None
    error: str | None = None
    reason: str | None = None
    progress: int = 0
    message: str = ""
    attempt: int = 1
