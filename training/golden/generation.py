"""Writes the golden texts that the service's generation is compared with.

Captions and answers over ``examples/`` by a plain greedy loop over the shipped ONNX files, and chat templates
rendered by Jinja. ``training/golden/run`` makes the environment and runs this after the golden vectors.
"""

from __future__ import annotations

import json

import jinja2
from PIL import Image

from golden import REPOSITORY, ROOT, digest
from pico.generate import Generator

GOLDEN = ROOT / "src" / "test" / "resources" / "golden" / "generation.json"
SURE = 0.01
"""Least difference between the two best logits of every step: smaller ones could fall otherwise elsewhere."""
WANTED = 60

PICTURES = (
    "cat.jpg", "cat-and-red-car.jpg", "blue-elephant.png", "three-apples.jpg", "airplane-above-castle.jpg",
    "balloon-above-whale-tall.png", "bear-fox-owl-and-penguin-wide.jpg", "dog-and-soccer-ball.png",
    "guitar-drum-and-trumpet.png", "house-tree-and-sun.jpg", "pizza-and-beer.jpg", "smiling-face.jpg",
    "cigarette-and-glass-of-wine.jpg", "gun-and-skull.png", "photo-cat.png", "photo-rocket.jpg",
)
QUESTIONS = (
    ("what is in the picture",), ("how many things are there",), ("is there a cat in the picture",),
    ("is there anything dangerous",), ("what do you see", "how many things are there"),
    ("is there an animal", "where is the cat", "what is in the picture"), ("Which colour is the Car?",),
    ("what does the face feel",), ("how many apples are there",), ("<caption> is no token here </s>",),
)
CONVERSATIONS = (
    {"task": "caption", "detailed": False},
    {"task": "caption", "detailed": True},
    {"messages": [{"role": "user", "content": "what is in the picture"}], "add_generation_prompt": True},
    {"messages": [{"role": "user", "content": "what is in the picture"},
                  {"role": "assistant", "content": "a cat"},
                  {"role": "user", "content": "how many cats are there"}], "add_generation_prompt": True},
    {"messages": [{"role": "user", "content": "what is this"}, {"role": "assistant", "content": "a red car"}],
     "add_generation_prompt": False},
    {"messages": [{"role": "user", "content": "is \"it\" {{ a }} 'cat' & <answer>?\nyes"}],
     "add_generation_prompt": True},
)


def main() -> None:
    generator = Generator(REPOSITORY)
    generator.tokenizer.encode_special_tokens = True
    entries = generations(generator)
    config = json.loads((REPOSITORY / "pico_decoder" / "assets" / "tokenizer_config.json").read_text())
    template = jinja2.Environment(autoescape=False).from_string(config["chat_template"])
    golden = {
        "models": {name: digest(REPOSITORY / name / "1" / "model.onnx") for name in ("pico_vision", "pico_decoder")},
        "generations": entries,
        "templates": [{**values, "text": template.render(**values)} for values in CONVERSATIONS],
    }
    GOLDEN.write_text(as_lines(golden), encoding="utf-8")
    print(f"{len(entries)} texts in {GOLDEN.relative_to(ROOT)}")


def generations(generator: Generator) -> list[dict]:
    """Captions of every picture, brief and detailed, then conversations until there are enough."""
    seen = {}
    for file in PICTURES:
        with Image.open(ROOT / "examples" / file) as image:
            seen[file] = generator.see([image])
    wanted = [(file, {"task": "caption", "detailed": more}) for file in PICTURES for more in (False, True)]
    wanted += [(PICTURES[(number + 3 * turn) % len(PICTURES)], {"questions": questions})
               for turn in range(6) for number, questions in enumerate(QUESTIONS)]
    entries = []
    for file, asked in wanted:
        features, mask, _ = seen[file]
        entry = conversation(generator, features, mask, asked)
        if entry is not None and len(entries) < WANTED:
            entries.append({"file": f"examples/{file}", **entry})
    return entries


def conversation(generator: Generator, features, mask, asked: dict) -> dict | None:
    """What is said to a caption's prompt or to each question in turn; None where a step is not sure."""
    tokens = {f"<{name}>": generator.tokenizer.token_to_id(f"<{name}>")
              for name in ("s", "caption", "detailed", "question", "answer")}
    questions = asked.get("questions")
    if questions is None:
        prompt = [tokens["<s>"], tokens["<caption>"], *([tokens["<detailed>"]] if asked["detailed"] else [])]
        said = generator.greedy(features, mask, [prompt])[0]
        return None if said.margin < SURE else {**asked, **outcome(generator, prompt, said)}
    prompt, messages = [tokens["<s>"]], []
    for number, question in enumerate(questions):
        words = generator.tokenizer.encode(f" {question}", add_special_tokens=False).ids
        prompt = [*prompt, tokens["<question>"], *words, tokens["<answer>"]]
        said = generator.greedy(features, mask, [prompt])[0]
        messages.append({"role": "user", "content": question})
        if said.margin < SURE:
            return None
        if number + 1 < len(questions):
            prompt = [*prompt, *said.ids]
            messages.append({"role": "assistant", "content": generator.text(said.ids)})
    return {"messages": messages, **outcome(generator, prompt, said)}


def outcome(generator: Generator, prompt: list[int], said) -> dict:
    """The prompt's tokens, what was said, and how sure the least sure step was."""
    return {"prompt_ids": prompt, "ids": said.ids, "ended": said.ended, "text": generator.text(said.ids),
            "least_margin": round(said.margin, 4)}


def as_lines(golden: dict) -> str:
    """JSON with one line an entry, so that a difference can be read."""
    lists = ",\n".join(
        f' {json.dumps(key)}: [\n' + ",\n".join(f"  {json.dumps(e, ensure_ascii=False)}" for e in golden[key]) + "\n ]"
        for key in ("generations", "templates"))
    return f'{{\n "models": {json.dumps(golden["models"])},\n{lists}\n}}\n'


if __name__ == "__main__":
    main()
