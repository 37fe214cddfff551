from streamrec.evaluation.models import EARLIER_NAMES, MODELS
from streamrec.evaluation.prequential import chosen_models


def test_a_model_is_found_by_its_earlier_name_too() -> None:
    assert chosen_models(["context", "gmf"]) == {"context": MODELS["gmf"], "gmf": MODELS["gmf"]}
    assert not EARLIER_NAMES.keys() & MODELS.keys()
