"""Every form of `passnet export` is taken by its readers: `datasets` loads it, and TRL trains on it.

A tiny model with random weights and a tokenizer made here (nothing is fetched) sees 20 steps of each file on a CPU; its
loss falls. The files are those of tests/fixtures/export, which tests/trajectories/export_golden_test.cc holds to what the
export writes.
"""

import os
import tempfile
import unittest
from pathlib import Path

try:
    import datasets
    import torch
    import transformers
    import trl
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    MISSING = None
except ImportError as error:
    MISSING = f"{error}: ./dev test --peers installs tests/peers/requirements.txt into .cache/peers"

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "export"
STEPS = 20
# ChatML; ShareGPT's words for the roles are known too, because TRL renames its keys and not its roles.
TEMPLATE = (
    "{% for message in messages %}"
    "{% set role = {'human': 'user', 'gpt': 'assistant'}.get(message['role'], message['role']) %}"
    "{{ '<|im_start|>' + role + '\\n' }}"
    "{% if role == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train([str(path) for path in sorted(FIXTURES.glob("*.jsonl"))], trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|im_end|>",
                                                chat_template=TEMPLATE)


def make_model(tokenizer):
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1024, pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id))


@unittest.skipIf(MISSING, MISSING)
class TrlTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        datasets.disable_progress_bars()
        self.tokenizer = make_tokenizer()

    def load(self, file):
        rows = datasets.load_dataset("json", data_files=str(FIXTURES / file), split="train",
                                     cache_dir=os.path.join(self.folder.name, "cache"))
        self.assertGreaterEqual(len(rows), 8)
        return rows

    def settings(self, **more):
        return dict(output_dir=self.folder.name, max_steps=STEPS, per_device_train_batch_size=4, learning_rate=5e-3,
                    lr_scheduler_type="constant", logging_steps=1, report_to=[], use_cpu=True, bf16=False,
                    save_strategy="no", disable_tqdm=True, max_length=1024, **more)

    def losses_of(self, trainer):
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        self.assertEqual(len(losses), STEPS)
        return losses

    def train(self, file, **more):
        trainer = trl.SFTTrainer(model=make_model(self.tokenizer), args=trl.SFTConfig(**self.settings(**more)),
                                 train_dataset=self.load(file), processing_class=self.tokenizer)
        losses = self.losses_of(trainer)
        self.assertLess(sum(losses[-3:]), 0.7 * sum(losses[:3]), losses)
        return trainer

    def trained_text(self, trainer):
        """What the loss is taken over, of the first row."""
        batch = trainer.data_collator([trainer.train_dataset[0]])
        labels = batch["labels"][0]
        return self.tokenizer.decode(labels[labels != -100].tolist())

    def test_openai_chat(self):
        trainer = self.train("openai-chat.jsonl")
        self.assertIn("Risetask_0", self.trained_text(trainer))

    def test_sharegpt(self):
        self.train("sharegpt.jsonl")
        self.train("sharegpt-masked.jsonl")

    def test_trl_messages_trains_the_assistant_alone(self):
        text = self.trained_text(self.train("trl-messages.jsonl", assistant_only_loss=True))
        self.assertIn("Risetask_0", text)
        self.assertIn("Besttask_0", text)
        self.assertNotIn("Write one for", text)

    def test_trl_prompt_completion_trains_one_turn(self):
        rows = self.load("trl-prompt-completion.jsonl")
        wrong = [row for row in rows if "Wrongtask" in str(row["prompt"])]
        self.assertTrue(wrong, "a row whose context holds a wrong turn")
        self.assertFalse([row for row in rows if "Wrongtask" in str(row["completion"])])
        trainer = self.train("trl-prompt-completion.jsonl")
        text = self.trained_text(trainer)
        self.assertIn("Risetask_0", text)
        self.assertNotIn("Write one for", text)

    def test_trl_preference(self):
        settings = self.settings()
        settings["learning_rate"] = 1e-3
        trainer = trl.DPOTrainer(model=make_model(self.tokenizer), ref_model=make_model(self.tokenizer),
                                 args=trl.DPOConfig(**settings), train_dataset=self.load("trl-preference.jsonl"),
                                 processing_class=self.tokenizer)
        losses = self.losses_of(trainer)
        self.assertLess(sum(losses[-3:]), 0.7 * sum(losses[:3]), losses)


if __name__ == "__main__":
    unittest.main()
