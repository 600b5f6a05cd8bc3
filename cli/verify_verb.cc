// passnet verify: is a journal what was written, and does it still say something that can be gone on from?
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/replay/fold_check.h"
#include "base/json.h"
#include "cli/graph_table.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "trajectories/reader.h"
#include "trajectories/verify.h"

namespace passnet::cli {
namespace {

constexpr const char* kTailNote =
    "The loss of a chain's tail can only be seen against a head that was kept elsewhere: keep the heads of campaigns "
    "and give them with --head, or let the daemon append them to a file elsewhere (head_log) and give --head-log.";

struct VerifyFlags {
  std::string db, campaign, head_log;
  std::vector<std::string> heads;
  bool hashes_only = false;
  bool json = false;
};

struct Findings {
  trajectories::VerifyReport hashes;
  agent::FoldReport folds;
  bool folded = false;
  size_t heads_given = 0;
  std::vector<std::string> torn;  // lines of the head log, "FILE:LINE"
  bool intact() const { return !hashes.first && folds.unfoldable.empty(); }
};

Json ToJson(const trajectories::Finding& finding) {
  return {{"what", trajectories::FindingWhatName(finding.what)},
          {"where", finding.where},
          {"detail", finding.detail},
          {"row_id", OrNull(finding.row_id)}};
}

Json ToJson(const VerifyFlags& flags, const Findings& findings) {
  const trajectories::VerifyReport& report = findings.hashes;
  Json unfoldable = Json::MakeArray();
  for (const auto& one : findings.folds.unfoldable) unfoldable.Push({{"id", one.id}, {"error", one.error}});
  std::vector<std::string> heads;
  for (const trajectories::Head& head : report.heads) heads.push_back(ToString(head));
  return {{"schema", "passnet.verify/1"},
          {"db", flags.db},
          {"intact", findings.intact()},
          {"finding", report.first ? ToJson(*report.first) : Json()},
          {"events", report.events},
          {"blobs", report.blobs},
          {"requests", report.requests},
          {"campaigns", report.campaigns},
          {"trajectories", report.trajectories},
          {"orphans", report.orphans},
          {"folded", findings.folded ? Json(findings.folds.folded) : Json()},
          {"unfoldable", unfoldable},
          {"heads", heads},
          {"heads_given", flags.heads},
          {"head_log", OrNull(flags.head_log)},
          {"head_log_torn", findings.torn}};
}

void Print(const Findings& findings) {
  const trajectories::VerifyReport& report = findings.hashes;
  if (const auto& finding = report.first) {
    // The finding is this verb's result, so it goes to standard output.
    std::printf("NOT INTACT: %s: %s (%s)\n", std::string(trajectories::FindingWhatName(finding->what)).c_str(),
                Printable(finding->where).c_str(), Printable(finding->detail).c_str());
    return;
  }
  for (const auto& one : findings.folds.unfoldable) {
    std::printf("NOT READABLE: %s: %s\n", Printable(one.id).c_str(), Printable(one.error).c_str());
  }
  std::printf("%s: %lld events, %lld blobs, %lld requests, %lld campaigns, %lld trajectories\n",
              findings.intact() ? "intact" : "hashes hold", static_cast<long long>(report.events),
              static_cast<long long>(report.blobs), static_cast<long long>(report.requests),
              static_cast<long long>(report.campaigns), static_cast<long long>(report.trajectories));
  if (report.orphans > 0) {
    std::printf("%lld contents that no event names, the first %s: not written by passnetd, and read by nothing\n",
                static_cast<long long>(report.orphans), report.orphan_examples.front().c_str());
  }
  std::printf("heads:\n");
  for (const trajectories::Head& head : report.heads) std::printf("  %s\n", Printable(ToString(head)).c_str());
  if (findings.heads_given == 0) std::printf("%s\n", kTailNote);
}

Result<trajectories::VerifyOptions> OptionsOf(const VerifyFlags& flags, std::vector<std::string>* torn) {
  trajectories::VerifyOptions options{.path = flags.db, .campaign_id = flags.campaign, .heads = {}};
  if (!flags.head_log.empty()) {
    ASSIGN_OR_RETURN(auto log, trajectories::ReadHeadLog(flags.head_log));
    options.heads = std::move(log.heads);
    *torn = std::move(log.torn);
  }
  for (const std::string& text : flags.heads) {
    ASSIGN_OR_RETURN(options.heads.emplace_back(), trajectories::ParseHead(text));
  }
  return options;
}

Result<Findings> Find(const VerifyFlags& flags) {
  Findings findings;
  ASSIGN_OR_RETURN(auto options, OptionsOf(flags, &findings.torn));
  for (const std::string& line : findings.torn) {
    std::fprintf(stderr, "passnet: %s: was torn when it was written, and is passed over\n", Printable(line).c_str());
  }
  findings.heads_given = options.heads.size();
  ASSIGN_OR_RETURN(findings.hashes, trajectories::Verify(options));
  if (findings.hashes.first || flags.hashes_only) return findings;
  ASSIGN_OR_RETURN(auto reader, trajectories::Reader::Open(flags.db));
  Progress progress("verify");
  auto show = [&](int64_t done, int64_t total) {
    progress.Show("folding", static_cast<int>(done), static_cast<int>(total));
  };
  ASSIGN_OR_RETURN(findings.folds, agent::CheckFolds(*reader, flags.campaign, show));
  findings.folded = true;
  return findings;
}

int Run(const VerifyFlags& flags) {
  auto findings = Find(flags);
  if (!findings) return Fail(findings.error());
  if (flags.json) {
    std::printf("%s\n", ToJson(flags, findings.value()).Dump().c_str());
  } else {
    Print(findings.value());
  }
  return findings.value().intact() ? kExitDone : kExitVerification;
}

}  // namespace

Command VerifyVerb() {
  auto flags = std::make_shared<VerifyFlags>();
  Command verb{.name = "verify",
               .help = "check hash chains, blobs, tables and schema of a journal, and that every trajectory can be read",
               .footer = "Exit code 4 names the first thing that was changed, removed, reordered or added, or every\n"
                         "trajectory and campaign that the daemon could not go on with.\n"
                         "Examples:\n"
                         "  passnet verify --db passnet.db --head c-…:17:5e88…\n"
                         "  passnet verify --db passnet.db --head-log /mnt/elsewhere/heads",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {"--campaign", "only this campaign and its trajectories", &flags->campaign},
      {"--head", "<id>:<seq>:<hash> as an earlier verify printed it; may be repeated", &flags->heads},
      {"--head-log", "file that the daemon's head_log wrote: each of its heads must still be there", &flags->head_log},
      {"--hashes-only", "do not read the events as the daemon does", &flags->hashes_only},
      {"--json", "one object (passnet.verify/1) as the last line", &flags->json},
  };
  return verb;
}

}  // namespace passnet::cli
