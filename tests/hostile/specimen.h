// A hostile or honest pass folder of tests/hostile and what the head of its main file says about it: comment lines
// `# key: value` before the first line of code of the first pass in its rule list.
//   row          the catalogue's row or class of attack (docs/threat_model.md); "honest" for a control
//   task         a folder of tests/hostile/tasks, or `bundled:NAME` for one of tasks/
//   tries        what it does, in a line
//   expect       verdicts, separated by |, of which any will do
//   unscreened   the same without the layers that read text (kTextLayers); where it is missing, `expect` holds for both
//   earns        the largest speed-up that its honest part gives, for specimens that may end OK; default kHonestGain
//   twin         an honest folder that does the same work: it, and a margin, is what may be earned
//   runs         evaluations one after the other, of which the last is judged; default 1
//   slow         any value: only in the slow run
//   open         why it is paid today all the same: such a specimen is reported, and fails nothing
//   stopped by   what stops it, with the layer's number in docs/integrity.md and, where only a part of it does, that part's
//                name in evaluator/lane/ablation.h: "(layer 3)", "(layer 6: calls)"
// Threads: immutable. Errors: a head that cannot be read ends the test program with its file and line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace passnet::hostile {

// Layers that judge what is written and not what is done: text can be written in other ways.
inline constexpr const char* kTextLayers = "screen,products";

// A pass that does the task's work slowly on purpose, as most specimens do, can gain nothing but noise.
inline constexpr double kHonestGain = 1.15;

struct Specimen {

  std::string name, row, tries, stopped_by, open;
  std::filesystem::path folder, task;
  std::filesystem::path twin;  // empty: `earns` holds
  std::vector<std::string> expect, unscreened;  // names of verdicts
  double earns = kHonestGain;
  int runs = 1;
  bool slow = false;
};

// All pass folders of tests/hostile/`kind` ("specimens", "honest"), by name.
std::vector<Specimen> Specimens(const std::string& kind);

}  // namespace passnet::hostile
