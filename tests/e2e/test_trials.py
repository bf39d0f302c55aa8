"""LaLonde's experiment through the API: imports, late history, events, results and the export of its rows."""

import io
from typing import Any

import duckdb
import httpx
import pandas as pd
import pytest
from scipy import stats

from tests.conftest import now
from tests.e2e.conftest import RunningStack
from tests.trials.brute_force import Rows, adjusted_difference
from tools.demo.client import Api, is_there, replay
from tools.demo.lalonde import lalonde
from tools.demo.trial import UNIT

pytestmark = pytest.mark.e2e

NAME = "lalonde-job-training"


@pytest.fixture(scope="module")
def trial():
    return lalonde(now())


@pytest.fixture(scope="module")
def shown(stack: RunningStack, trial) -> dict[str, Any]:
    with Api(stack.base_url, "admin", stack.password) as api:
        found = replay(api, trial, lambda line: None)
        assert is_there(api, trial)
    return found


@pytest.fixture(scope="module")
def rows(stack: RunningStack, shown: dict[str, Any], tmp_path_factory: pytest.TempPathFactory):
    """The exported rows, read back from Parquet page by page."""
    folder, frames = tmp_path_factory.mktemp("export"), []
    path = f"/experiments/{NAME}/results/export?format=parquet&limit=200"
    with httpx.Client(base_url=stack.base_url, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {stack.token()}"
        while path:
            answer = client.get(path).raise_for_status()
            page = folder / f"{len(frames)}.parquet"
            page.write_bytes(answer.content)
            frames.append(duckdb.sql(f"select user_id, variant, \"value\" from '{page}'").df())
            path = answer.links["next"]["url"] if "next" in answer.links else None
    assert len(frames) == 3
    return pd.concat(frames)


def test_the_answer_is_the_published_one(shown, trial):
    [metric] = shown["metrics"]
    comparison = metric["comparisons"]["trained"]

    test, difference, _ = adjusted_difference(
        *(Rows(trial).arm(trial.definition["metrics"][0], key) for key in ("not_trained", "trained"))
    )

    assert round(comparison["difference"]) == 1794
    assert comparison["cuped"]["adjusted"]["difference"] == pytest.approx(difference, rel=1e-9)
    assert comparison["cuped"]["adjusted"]["p_value"] == pytest.approx(test.pvalue, rel=1e-9)


def test_the_exported_rows_give_the_same_answer(shown, rows):
    earned = rows.fillna({"value": 0}).groupby("variant")["value"]
    trained, not_trained = earned.get_group("trained"), earned.get_group("not_trained")

    expected = stats.ttest_ind(trained, not_trained, equal_var=False)

    comparison = shown["metrics"][0]["comparisons"]["trained"]
    assert (len(trained), len(not_trained)) == (185, 260)
    assert comparison["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert comparison["difference"] == pytest.approx(trained.mean() - not_trained.mean(), rel=1e-12)


def test_one_row_per_user_gives_cuped_back(stack, shown, trial):
    answer = httpx.get(
        f"{stack.base_url}/experiments/{NAME}/results/export",
        params={"format": "csv", "rows": "users", "limit": 1000},
        headers={"Authorization": f"Bearer {stack.token()}"},
        timeout=30,
    )

    users = pd.read_csv(io.StringIO(answer.raise_for_status().text))

    covariance = users[["before_earnings", "metric_earnings"]].cov()
    theta = covariance.iloc[0, 1] / covariance.iloc[0, 0]
    assert theta == pytest.approx(shown["metrics"][0]["comparisons"]["trained"]["cuped"]["theta"], rel=1e-9)
    assert users["metric_earnings"].sum() == pytest.approx(sum(each.value for each in trial.events) / UNIT)
