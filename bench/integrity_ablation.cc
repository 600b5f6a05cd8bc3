// What each layer of the integrity checks is worth: the specimens of tests/hostile that name it as what stops them,
// evaluated with that layer left out (passnet-evaluator --ablate), and which of them are then taken or paid. Besides: all
// specimens and all honest controls with nothing left out, and all specimens without the layers that read text, which is
// what every other layer is tried without, since text can be written in other ways. A quarter of an hour; every finished
// evaluation is written to a file, and the next run with the same settings and the same build goes on from there.
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "bench/bench_main.h"
#include "bench/result_lines.h"
#include "evaluator/lane/ablation.h"
#include "tests/hostile/trials.h"

namespace passnet::bench {
namespace {

using evaluator::Ablation;
using evaluator::Layer;
using evaluator::LayerName;
using evaluator::Profile;
using hostile::Specimen;

constexpr const char* kNothing = "nothing";
constexpr const char* kHonest = "honest";
constexpr const char* kText = "text";  // both layers that read it

struct Settings {
  std::string layers, specimens = "*", profile = "quick";
  std::string results, markdown;
};

struct Row {
  std::string name;    // of what is left out
  std::string ablate;  // of the lane
  std::string where;   // the layer's number
  std::vector<Specimen> specimens;
};

struct Trial {
  std::string specimen, ended, reason;
  double gain = 0, earned = 0;
  bool expected = false;  // its head allows that verdict
  bool paid = false;      // OK, and more than its honest part earns

  bool ok() const { return ended == "OK"; }
};

bool IsStoppedByText(const Specimen& specimen) { return specimen.unscreened != specimen.expect; }

// Its head names the layer, and this part of it or none: "(layer 6)", "(layer 6: calls)".
bool IsStoppedBy(const Specimen& specimen, const LayerName& layer) {
  const std::string any = "(layer " + std::to_string(layer.number) + ")";
  const std::string part = "(layer " + std::to_string(layer.number) + ": " + std::string(layer.name) + ")";
  return specimen.stopped_by.find(any) != std::string::npos || specimen.stopped_by.find(part) != std::string::npos;
}

template <typename Wanted>
std::vector<Specimen> Those(const std::vector<Specimen>& all, Wanted wanted) {
  std::vector<Specimen> some;
  std::copy_if(all.begin(), all.end(), std::back_inserter(some), wanted);
  return some;
}

std::vector<Row> AllRows(const std::string& glob) {
  const auto fits = [&](const Specimen& one) { return ::fnmatch(glob.c_str(), one.name.c_str(), 0) == 0; };
  const std::vector<Specimen> hostile = Those(hostile::Specimens("specimens"), fits);
  std::vector<Row> rows = {{kHonest, "", "", Those(hostile::Specimens("honest"), fits)},
                           {kNothing, "", "", hostile},
                           {kText, hostile::kTextLayers, "1, 4", hostile}};
  for (const LayerName& layer : Ablation::Layers()) {
    const std::string name(layer.name);
    const bool text = layer.layer == Layer::kScreen || layer.layer == Layer::kProducts;
    const auto stopped = [&](const Specimen& one) {
      return text ? IsStoppedByText(one) : IsStoppedBy(one, layer);
    };
    const std::string ablate = text ? name : std::string(hostile::kTextLayers) + "," + name;
    rows.push_back({name, ablate, std::to_string(layer.number), Those(hostile, stopped)});
  }
  return rows;
}

Result<std::vector<Row>> ChosenRows(const Settings& settings) {
  std::vector<Row> rows = AllRows(settings.specimens), chosen;
  if (settings.layers.empty()) return rows;
  std::stringstream names(settings.layers);
  for (std::string name; std::getline(names, name, ',');) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
    if (found == rows.end()) return InvalidArgument("--layers: there is nothing called \"" + name + "\" to leave out");
    chosen.push_back(*found);
  }
  return chosen;
}

// Ours, or that of a machine that stood still for seconds: no specimen's doing.
bool IsMishap(const Trial& trial) {
  return trial.ended == "failed" || trial.ended == "INFRA" || (trial.ended == "TIMEOUT" && !trial.expected);
}

// A mishap and what was paid are tried once more: a gain that comes out once by chance is none.
Result<Trial> Try(hostile::Trials& lanes, const Row& row, const Specimen& specimen) {
  Trial trial{specimen.name, {}, {}, 0, specimen.earns};
  for (int time = 0; time < 2; ++time) {
    ASSIGN_OR_RETURN(const hostile::Outcome outcome, lanes.Run(specimen, row.ablate));
    trial.ended = outcome.ended;
    trial.reason = outcome.reason;
    trial.gain = outcome.gain;
    const auto& verdicts = row.ablate.empty() ? specimen.expect : specimen.unscreened;
    trial.expected = std::find(verdicts.begin(), verdicts.end(), trial.ended) != verdicts.end();
    trial.paid = false;
    if (IsMishap(trial)) continue;
    if (row.name == kHonest || !trial.ok()) break;
    ASSIGN_OR_RETURN(trial.earned, lanes.Earned(specimen, row.ablate));
    trial.paid = trial.gain > trial.earned;
    if (!trial.paid) break;
  }
  return trial;
}

Json LineOf(const Row& row, const Trial& trial) {
  return {{"row", row.name},     {"specimen", trial.specimen}, {"ended", trial.ended}, {"reason", trial.reason},
          {"gain", trial.gain}, {"earned", trial.earned},     {"expected", trial.expected}, {"paid", trial.paid}};
}

using Tried = std::map<std::string, std::map<std::string, Trial>>;  // by row and specimen

Tried TriedIn(const ResultLines& results) {
  Tried tried;
  for (const Json& line : results.lines()) {
    Trial trial{line["specimen"].Text(), line["ended"].Text(),    line["reason"].Text(),
                line["gain"].Number(),   line["earned"].Number(), line["expected"].Flag(), line["paid"].Flag()};
    tried[line["row"].Text()][trial.specimen] = std::move(trial);
  }
  return tried;
}

// Evaluates what is not there yet.
Status FillIn(const Settings& settings, const std::vector<Row>& rows, ResultLines* results,
              std::map<std::string, std::string>* environment) {
  const Tried before = TriedIn(*results);
  const Profile profile = settings.profile == "quick" ? Profile::kQuick : Profile::kPassbench;
  for (const Row& row : rows) {
    const auto known = before.find(row.name);
    hostile::Trials lanes(profile);  // one at a time: each holds a torch
    for (size_t i = 0; i < row.specimens.size(); ++i) {
      const Specimen& specimen = row.specimens[i];
      if (known != before.end() && known->second.contains(specimen.name)) continue;
      ASSIGN_OR_RETURN(const Trial trial, Try(lanes, row, specimen));
      RETURN_IF_ERROR(results->Append(LineOf(row, trial)));
      std::fprintf(stderr, "without %s, %zu of %zu, %s: %s %.2f%s\n", row.name.c_str(), i + 1, row.specimens.size(),
                   specimen.name.c_str(), trial.ended.c_str(), trial.gain, trial.paid ? ", paid" : "");
    }
    if (row.name == kNothing) {
      ASSIGN_OR_RETURN(*environment, lanes.Environment(row.ablate));
    }
  }
  return OkStatus();
}

// What a row came to. Neither list has what the same specimen came to without the text layers alone.
struct Slipped {
  size_t tried = 0;
  std::vector<std::string> paid;   // more than their honest part earns
  std::vector<std::string> taken;  // wrong, and OK, but no faster
};

Slipped CountIn(const Row& row, const Tried& tried) {
  Slipped slipped;
  const auto found = tried.find(row.name), base = tried.find(kText);
  if (found == tried.end()) return slipped;
  const bool above = row.ablate.starts_with(hostile::kTextLayers) && row.ablate != hostile::kTextLayers;
  for (const Specimen& specimen : row.specimens) {
    const auto entry = found->second.find(specimen.name);
    if (entry == found->second.end()) continue;
    ++slipped.tried;
    const Trial& trial = entry->second;
    const Trial* without = nullptr;
    if (above && base != tried.end()) {
      if (const auto same = base->second.find(specimen.name); same != base->second.end()) without = &same->second;
    }
    if (trial.paid && !(without != nullptr && without->paid)) {
      char gain[64];
      std::snprintf(gain, sizeof gain, " %.2f (%.2f)", trial.gain, trial.earned);
      slipped.paid.push_back(trial.specimen + gain + (specimen.open.empty() ? "" : ", known open"));
    } else if (trial.ok() && !trial.paid && !trial.expected && !(without != nullptr && without->ok())) {
      slipped.taken.push_back(trial.specimen);
    }
  }
  return slipped;
}

std::string ListOf(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string TableOf(const std::vector<Row>& rows, const Tried& tried) {
  std::string table = "| left out | layer | tried | paid | with what speed-up, and what is earned | wrong and OK, but not paid |\n"
                      "|---|---|---|---|---|---|\n";
  for (const Row& row : rows) {
    if (row.name == kHonest) continue;
    const Slipped slipped = CountIn(row, tried);
    table += "| " + row.name + " | " + row.where + " | " + std::to_string(slipped.tried) + " | " +
             std::to_string(slipped.paid.size()) + " | " + ListOf(slipped.paid) + " | " + ListOf(slipped.taken) + " |\n";
  }
  return table;
}

void AddFigures(const std::vector<Row>& rows, const Tried& tried, BenchReport* report) {
  int evaluations = 0, failed = 0, honest_not_ok = 0;
  for (const auto& [row, trials] : tried) {
    for (const auto& [specimen, trial] : trials) {
      ++evaluations;
      failed += IsMishap(trial);
      if (row == kHonest && !trial.expected) {
        ++honest_not_ok;
        std::printf("%s ended %s: %s\n", specimen.c_str(), trial.ended.c_str(), trial.reason.c_str());
      }
    }
  }
  for (const Row& row : rows) {
    if (row.name == kHonest) continue;
    const Slipped slipped = CountIn(row, tried);
    report->Add("slipped_without_" + row.name, static_cast<double>(slipped.paid.size()));
    report->Add("taken_without_" + row.name, static_cast<double>(slipped.taken.size()));
  }
  report->Goal(std::string("slipped_without_") + kNothing, "max", 0);
  report->Goal(std::string("taken_without_") + kNothing, "max", 0);
  report->Add("honest_not_ok", honest_not_ok);
  report->Goal("honest_not_ok", "max", 0);
  report->Add("evaluations", evaluations);
  report->Add("evaluations_that_failed", failed);
  report->Goal("evaluations_that_failed", "max", 0);
}

Result<BenchReport> Measure(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::vector<Row> rows, ChosenRows(settings));
  ASSIGN_OR_RETURN(const std::string build, BuildDigest());
  ASSIGN_OR_RETURN(ResultLines results, ResultLines::Open(settings.results, {{"profile", settings.profile}, {"build", build}}));
  std::map<std::string, std::string> environment;
  RETURN_IF_ERROR(FillIn(settings, rows, &results, &environment));
  const Tried tried = TriedIn(results);
  const std::string table = TableOf(rows, tried);
  std::printf("%s", table.c_str());
  if (!settings.markdown.empty()) RETURN_IF_ERROR(WriteFileAtomic(settings.markdown, table));
  BenchReport report("integrity_ablation");
  AddFigures(rows, tried, &report);
  report.Environment(environment);
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  passnet::bench::Settings settings;
  settings.results = passnet::bench::ResultsFile("integrity_ablation");
  std::vector<passnet::command_line::Option> options = {
      {.name = "--layers",
       .help = "what to leave out, one after the other, with commas; also text, nothing and honest; empty: all in turn",
       .value = &settings.layers},
      {.name = "--specimens", .help = "only those whose names fit, as T*_cc", .value = &settings.specimens,
       .show_default = true},
      {.name = "--profile", .help = "passbench or quick", .value = &settings.profile, .show_default = true,
       .allowed = passnet::command_line::OneOf{{"passbench", "quick"}}},
      {.name = "--results", .help = "where finished evaluations are kept", .value = &settings.results,
       .show_default = true},
      {.name = "--markdown", .help = "a file for the table", .value = &settings.markdown}};
  return passnet::bench::Main("integrity_ablation", "What slips when a layer of the integrity checks is left out",
                              std::move(options), [&] { return passnet::bench::Measure(settings); }, argc, argv);
}
