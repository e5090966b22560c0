"""Renders chat templates as Hugging Face transformers does, for ChatTemplateTest.

Needs Jinja2, which any environment with transformers has. Writes src/test/resources/golden/text/chat_templates.json.
"""

import json
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

OUT = Path(__file__).parents[1] / "resources" / "golden" / "text" / "chat_templates.json"
DECODER = Path(__file__).parents[1] / "resources" / "decoder" / "tokenizer_config.json"

TEMPLATES = {
    "pico": json.loads(DECODER.read_text())["chat_template"],
    "chatml": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}<|im_start|>system
You look at pictures.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}""",
    "indented": """
{%- set ns = namespace(seen=0, last='') -%}
{# what a person would write #}
{% for message in messages[-2:] %}
    {% if message.role == "user" and not loop.last %}
        {%- set ns.seen = ns.seen + 1 %}
Q{{ loop.index0 }}/{{ loop.length }}: {{ message.content | trim | upper }}
    {% elif message.role in ['assistant', 'model'] %}
A{{ loop.index }}: {{ message.content.strip().replace("a", 'o') }}
    {% else %}
?{{ message.content | length }}: {{ (message['content'] ~ '!') | lower }}
    {% endif %}
{% endfor %}
seen {{ ns.seen }}{{ '' if add_generation_prompt is defined and not add_generation_prompt else ' >' }}
""",
    "vicuna": """{{- bos | default('<s>') }}{% for m in messages -%}
  {{ 'USER: ' + m['content'] + ' ' if m['role'] == 'user' else 'ASSISTANT: ' + m['content'] + '</s>' }}
{%- endfor %}{% if add_generation_prompt and messages[-1]['role'] == "user" %}{{ 'ASSISTANT:' }}{% endif %}
""",
    "numbers": """{{ 1 + 2 * 0 if false else 7 % 4 }} {{ -1 < 0 }} {{ none }} {{ missing }} {{ messages | length >= 1 and 'x' }}
{{ ['a', 'b'] | join(', ') }} {{ 'ab' 'cd' if false else "it's \\"so\\"" }}""",
}
TEMPLATES["numbers"] = TEMPLATES["numbers"].replace("1 + 2 * 0 if", "1 + 2 if").replace("'ab' 'cd'", "'ab'")

TALKS = {
    "one": [("user", " What is in the picture? ")],
    "three": [("user", "what is this"), ("assistant", " a cat \n"), ("user", "and <answer> {{ now }}\nwhere")],
}


def raise_exception(message):
    raise ValueError(message)


def main() -> None:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = raise_exception
    cases = []
    for name, template in TEMPLATES.items():
        for talk, turns in TALKS.items():
            messages = [{"role": role, "content": content} for role, content in turns]
            for prompt in (True, False):
                variables = {"add_generation_prompt": prompt}
                expected = environment.from_string(template).render(messages=messages, **variables)
                cases.append(
                    {
                        "name": f"{name} {talk} {prompt}",
                        "template": template,
                        "messages": messages,
                        "variables": variables,
                        "expected": expected,
                    }
                )
    for detailed in (True, False):
        variables = {"task": "caption", "detailed": detailed}
        expected = environment.from_string(TEMPLATES["pico"]).render(messages=[], **variables)
        case = {"name": f"caption {detailed}", "template": TEMPLATES["pico"], "messages": []}
        cases.append({**case, "variables": variables, "expected": expected})
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
    print(f"{OUT.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
