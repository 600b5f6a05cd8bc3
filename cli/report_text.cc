#include "cli/report_text.h"

#include <cstdio>
#include <vector>

#include "base/text.h"
#include "cli/output.h"

namespace passnet::cli {
namespace {

constexpr const char* kAbsent = "-";
constexpr size_t kMaxTextBytes = 300;

std::string Conditions(const Json& json) {
  const Json& cap = json["time_cap_ms"];
  std::string capped = cap.Integer() > 0 ? " capped at " + Count(cap) + " ms a graph" : "";
  return "device " + Shown(json["device"]) + ", profile " + Shown(json["profile"]) + capped + ", call path " +
         Shown(json["call_path"]) + ", matching " + Shown(json["matching"]) + ", p " + Shown(json["p"], "%g") + ", b " +
         Shown(json["b"], "%g") + "\n";
}

// "1.2345 (1.1000 to 1.4000)".
std::string WithInterval(const Json& interval, const char* format) {
  std::string text = Shown(interval["value"], format);
  if (!interval["low"].is_number() || !interval["high"].is_number()) return text;
  return text + " (" + Shown(interval["low"], format) + " to " + Shown(interval["high"], format) + ")";
}

std::string SampleTable(const Json& rows) {
  Table table({"task", "rounds", "outcome", "verdict", "correct", "speed-up", "inductor", "AS", "AS inductor"});
  for (const Json& row : rows.Items()) {
    table.Add({Shown(row["task"]), Count(row["rounds"]), Shown(row["outcome"]), Shown(row["verdict"]),
               Count(row["graphs_correct"]) + "/" + Count(row["graphs"]), Shown(row["speedup"], "%.2fx"),
               Shown(row["inductor_speedup"], "%.2fx"), Shown(row["score"], "%.3f"),
               Shown(row["inductor_score"], "%.3f")});
  }
  return table.Text();
}

// With several samples a task the samples are in --json and in the page; here stands what they come to.
std::string TaskTable(const Json& tasks) {
  Table table({"task", "solved", "scored", "begun", "speed-up", "inductor", "AS", "best AS", "AS inductor"});
  for (const Json& task : tasks.Items()) {
    table.Add({Shown(task["task"]), Count(task["solved"]), Count(task["scored"]), Count(task["begun"]),
               Shown(task["speedup"], "%.2fx"), Shown(task["inductor_speedup"], "%.2fx"), Shown(task["score"], "%.3f"),
               Shown(task["best_score"], "%.3f"), Shown(task["inductor_score"], "%.3f")});
  }
  return table.Text();
}

std::string EsTable(const Json& campaign, const Json& inductor) {
  std::vector<std::string> header{"ES(t)"}, ours{"campaign"}, theirs{"inductor"};
  for (const auto& [t, value] : campaign.Members()) {
    header.push_back(OneLine(t, 8));
    ours.push_back(Shown(value, "%.3f"));
    theirs.push_back(Shown(inductor["es"][t], "%.3f"));
  }
  if (header.size() == 1) return {};
  Table table(header);
  table.Add(ours);
  if (inductor["aggregated_score"].is_number()) table.Add(theirs);
  return table.Text() + "\n";
}

std::string KTable(const Json& statistics) {
  const Json& pass = statistics["pass_at"];
  if (pass.size() < 2) return {};
  Table table({"k", "tasks", "pass@k", "95 %", "best@k", "95 %"});
  auto range = [](const Json& step) {
    if (!step["low"].is_number()) return std::string(kAbsent);
    return Shown(step["low"], "%.3f") + " to " + Shown(step["high"], "%.3f");
  };
  for (size_t i = 0; i < pass.size(); ++i) {
    const Json& best = statistics["best_at"].At(i);
    table.Add({Count(pass.At(i)["k"]), Count(pass.At(i)["tasks"]), Shown(pass.At(i)["value"], "%.3f"),
               range(pass.At(i)), Shown(best["value"], "%.3f"), range(best)});
  }
  return table.Text() + "\n";
}

// "OK 3, MISS 1".
std::string Counts(const Json& counts) {
  std::string text;
  for (const auto& [name, count] : counts.Members()) {
    text += (text.empty() ? "" : ", ") + OneLine(name, 80) + " " + Count(count);
  }
  return text.empty() ? kAbsent : text;
}

std::string Money(const Json& usd) { return usd.is_number() ? Shown(usd, "$%.2f") : std::string("unknown $"); }

std::string CostLine(const Json& cost) {
  std::string text = "cost: " + Shown(cost["wall_s"], "%.0f") + " s, " + Count(cost["tokens"]) + " tokens, " +
                     Money(cost["usd"]) + "; " + Count(cost["tasks_solved"]) + " tasks solved";
  const Json& each = cost["per_solved_task"];
  if (each.is_object()) {
    text += ", each for " + Shown(each["wall_s"], "%.0f") + " s, " + Count(each["tokens"]) + " tokens, " +
            Money(each["usd"]);
  }
  return text + "\n";
}

std::string Totals(const Json& report) {
  const Json& statistics = report["statistics"];
  const Json& inductor = report["inductor"];
  std::string text = "AS of the campaign      " + Shown(report["aggregated_score"], "%.4f") + " over " +
                     Count(report["campaign"]["tasks"]) + " tasks, 95 % interval " +
                     Shown(statistics["aggregated_score"]["low"], "%.4f") + " to " +
                     Shown(statistics["aggregated_score"]["high"], "%.4f") + "\n";
  text += "AS of TorchInductor     " + Shown(inductor["aggregated_score"], "%.4f") + " over " +
          Count(inductor["tasks"]) + " tasks (the campaign on these: " +
          Shown(report["campaign_with_baseline"]["aggregated_score"], "%.4f") + ")\n";
  text += "speed-up where correct  " + WithInterval(statistics["speedup"], "%.3f") + "\n";
  text += "verdicts: " + Counts(report["verdicts"]) + "\n";
  text += "ended: " + Counts(report["reasons"]) + "\n";
  text += "not scored: " + Count(report["n_infra"]) + " for failures on our side, " + Count(report["n_unfinished"]) +
          " unfinished";
  if (report["n_skipped"].Integer() > 0) {
    text += ", " + Count(report["n_skipped"]) + " not begun because enough of their task are solved (no pass@k then)";
  }
  const Json& usage = report["usage"];
  text += "\n" + CostLine(report["cost"]);
  return text + Count(usage["calls"]) + " calls (" + Count(usage["calls_lost"]) + " lost), " +
         Count(usage["prompt_tokens"]) + " prompt and " + Count(usage["completion_tokens"]) + " completion tokens\n";
}

}  // namespace

std::string Shown(const Json& text) { return text.is_text() ? OneLine(text.Text(), kMaxTextBytes) : kAbsent; }

std::string Shown(const Json& number, const char* format) {
  if (!number.is_number()) return kAbsent;
  char text[64];
  std::snprintf(text, sizeof text, format, number.Number());
  return text;
}

std::string Count(const Json& number) { return Shown(number, "%.0f"); }

std::string ReportText(const Json& report) {
  const bool sampled = report["samples"].Integer(1) > 1;
  std::string text = "campaign " + Shown(report["name"]) + " (" + Shown(report["campaign_id"]) + "), model " +
                     Shown(report["model"]) + ": " + Shown(report["state"]) +
                     (sampled ? ", " + Count(report["samples"]) + " samples a task" : "") + "\n";
  text += Conditions(report) + "\n";
  text += (sampled ? TaskTable(report["by_task"]) : SampleTable(report["tasks"])) + "\n";
  text += EsTable(report["es"], report["inductor"]) + KTable(report["statistics"]) + Totals(report);
  for (const Json& row : report["tasks"].Items()) {
    if (row["outcome"].Text() != "infra") continue;
    text += "  " + Shown(row["task"]) + (sampled ? " sample " + Count(row["sample"]) : "") + ": " +
            Shown(row["reason"]) + "\n";
  }
  for (const Json& call : report["lost_calls"].Items()) text += "  lost: " + Shown(call) + "\n";
  return text;
}

std::string ComparisonText(const Json& comparison) {
  auto side = [&](const char* name) {
    const Json& one = comparison[name];
    return Shown(one["name"]) + " (" + Shown(one["campaign_id"]) + "), model " + Shown(one["model"]) + "\n";
  };
  std::string text = "A: " + side("a") + "B: " + side("b") + Conditions(comparison["conditions"]);
  for (const Json& forced : comparison["forced"].Items()) text += "although " + Shown(forced) + "\n";
  Table table({"task", "A", "B", "B over A", "noise", "B has"});
  for (const Json& task : comparison["tasks"].Items()) {
    table.Add({Shown(task["task"]), Shown(task["a"], "%.3f"), Shown(task["b"], "%.3f"), Shown(task["ratio"], "%.3f"),
               Shown(task["noise"], "%.3f"), Shown(task["result"])});
  }
  const Json& score = comparison["aggregated_score"];
  const Json& solved = comparison["solved"];
  text += "\n" + table.Text() + "\n";
  text += "AS of A             " + WithInterval(score["a"], "%.4f") + "\n";
  text += "AS of B             " + WithInterval(score["b"], "%.4f") + "\n";
  text += "B over A            " + WithInterval(score["ratio"], "%.4f") + ", paired over " +
          Count(comparison["n_compared"]) + " tasks\n";
  text += "solved, B minus A   " + WithInterval(solved["difference"], "%+.3f") + "\n";
  text += "outside the noise B wins " + Count(comparison["wins"]) + ", loses " + Count(comparison["losses"]) +
          ", ties " + Count(comparison["ties"]) + "; " + Count(comparison["n_unscored"]) +
          " tasks are not scored in both\n";
  return text;
}

std::string PlanText(const Json& plan) {
  const Json& spec = plan["spec"];
  std::string text = "campaign " + Shown(spec["name"]) + ", model " + Shown(spec["sampling"]["model"]) + ": " +
                     std::to_string(plan["tasks"].size()) + " tasks x " + Count(plan["samples"]) + " samples x " +
                     Count(plan["rounds"]) + " rounds = " + Count(plan["calls"]) + " calls at most\n";
  std::string names;
  for (const Json& task : plan["tasks"].Items()) names += (names.empty() ? "" : " ") + Shown(task);
  text += "tasks: " + OneLine(names, 2000) + "\n";
  text += "worst case: " + Count(plan["prompt_tokens"]) + " prompt and " + Count(plan["completion_tokens"]) +
          " completion tokens, " + Money(plan["usd"]) + " (every round played, every reply at its limit, a token a byte "
          "of the prompt; calls that are lost and asked again come on top)\n";
  if (plan["limit_tokens"].is_number()) {
    text += "budget.total_tokens ends it at " + Count(plan["limit_tokens"]) + " tokens\n";
  }
  if (plan["limit_usd"].is_number()) text += "budget.total_usd ends it at " + Money(plan["limit_usd"]) + "\n";
  return text + "nothing was launched\n";
}

}  // namespace passnet::cli
