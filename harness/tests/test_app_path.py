import pytest

from harness.app_path import WORKER, described, not_imported
from harness.errors import AgentError, TargetError


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "broker.py").write_text("celery_app = object()\n")
    return tmp_path


def said(app, cause, folder):
    target = described({"app": app, "chdir": "."}, folder)
    return str(not_imported(target, AgentError("died", cause=cause)))


def test_a_worker_is_started_as_celery_does_unless_told_otherwise(shop):
    table = {"app": "shop.broker:celery_app"}
    assert described(table, shop).commands == {"worker": WORKER}
    told = {**table, "commands": {"worker": "./start.sh", "beat": "./beat.sh"}}
    assert described(told, shop).commands == told["commands"]


def test_no_compiled_module_is_left_beside_the_application(shop):
    env = described({"app": "shop:app"}, shop).env
    assert env["PYTHONDONTWRITEBYTECODE"] == "1"


def test_a_module_that_is_not_there_is_named_with_the_nearest(shop):
    cause = "ModuleNotFoundError: No module named 'shop.brocker'"
    text = said("shop.brocker:celery_app", cause, shop)
    assert cause in text
    assert "Did you mean 'shop.broker:celery_app'?" in text


def test_a_name_that_is_not_there_is_named_with_the_nearest(shop):
    cause = "ModuleNotFoundError: No module named 'shop.broker:celery'"
    text = said("shop.broker:celery", cause, shop)
    assert "Did you mean 'shop.broker:celery_app'?" in text


def test_a_library_that_the_application_misses_is_to_be_installed(shop):
    text = said("shop.broker:app", "ModuleNotFoundError: No module named 'fla'", shop)
    assert "Install fla for" in text
    assert "--python" in text


def test_any_other_error_of_the_import_is_told_with_where_we_looked(shop):
    text = said("shop.broker:app", "KeyError: 'SHOP_SECRET'", shop)
    assert "KeyError: 'SHOP_SECRET'" in text
    assert str(shop) in text


def test_a_wrong_description_is_refused_as_in_a_file(shop):
    with pytest.raises(TargetError, match=r"commands\.worker.*did you mean 'python'"):
        described({"app": "shop:app", "commands": {"worker": "{pyton}"}}, shop)
