// passnet verify: is a journal what was written?
#include <cstdio>
#include <memory>

#include "base/json.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "trajectories/verify.h"

namespace passnet::cli {
namespace {

constexpr const char* kTailNote =
    "The loss of a chain's tail can only be seen against a head that was kept elsewhere: keep the heads of campaigns "
    "and give them with --head.";

struct VerifyFlags {
  std::string db, campaign;
  std::vector<std::string> heads;
  bool json = false;
};

Json ToJson(const trajectories::Finding& finding) {
  return {{"what", trajectories::FindingWhatName(finding.what)},
          {"where", finding.where},
          {"detail", finding.detail},
          {"row_id", OrNull(finding.row_id)}};
}

Json ToJson(const VerifyFlags& flags, const trajectories::VerifyReport& report) {
  std::vector<std::string> heads;
  for (const trajectories::Head& head : report.heads) heads.push_back(ToString(head));
  return {{"schema", "passnet.verify/1"},
          {"db", flags.db},
          {"intact", !report.first},
          {"finding", report.first ? ToJson(*report.first) : Json()},
          {"events", report.events},
          {"blobs", report.blobs},
          {"requests", report.requests},
          {"campaigns", report.campaigns},
          {"trajectories", report.trajectories},
          {"heads", heads},
          {"heads_given", flags.heads}};
}

void Print(const VerifyFlags& flags, const trajectories::VerifyReport& report) {
  if (const auto& finding = report.first) {
    // The finding is this verb's result, so it goes to standard output.
    std::printf("NOT INTACT: %s: %s (%s)\n", std::string(trajectories::FindingWhatName(finding->what)).c_str(),
                finding->where.c_str(), finding->detail.c_str());
    return;
  }
  std::printf("intact: %lld events, %lld blobs, %lld requests, %lld campaigns, %lld trajectories\n",
              static_cast<long long>(report.events), static_cast<long long>(report.blobs),
              static_cast<long long>(report.requests), static_cast<long long>(report.campaigns),
              static_cast<long long>(report.trajectories));
  std::printf("heads:\n");
  for (const trajectories::Head& head : report.heads) std::printf("  %s\n", ToString(head).c_str());
  if (flags.heads.empty()) std::printf("%s\n", kTailNote);
}

int Run(const VerifyFlags& flags) {
  trajectories::VerifyOptions options{.path = flags.db, .campaign_id = flags.campaign, .heads = {}};
  for (const std::string& text : flags.heads) {
    auto head = trajectories::ParseHead(text);
    if (!head) return Fail(head.error());
    options.heads.push_back(std::move(head).value());
  }
  auto report = trajectories::Verify(options);
  if (!report) return Fail(report.error());
  if (flags.json) {
    std::printf("%s\n", ToJson(flags, report.value()).Dump().c_str());
  } else {
    Print(flags, report.value());
  }
  return report.value().first ? kExitVerification : kExitDone;
}

}  // namespace

Command VerifyVerb() {
  auto flags = std::make_shared<VerifyFlags>();
  Command verb{.name = "verify",
               .help = "check the hash chains, blobs and cached tables of a journal",
               .footer = "Exit code 4 names the first row that was changed, removed, reordered or added.\n"
                         "Example:\n  passnet verify --db passnet.db --head c-…:17:5e88…",
               .run = [flags] { return Run(*flags); }};
  verb.options = {
      {.name = "--db", .help = "the journal (a daemon may be writing it)", .value = &flags->db, .required = true},
      {"--campaign", "only this campaign and its trajectories", &flags->campaign},
      {"--head", "<id>:<seq>:<hash> as an earlier verify printed it; may be repeated", &flags->heads},
      {"--json", "one object (passnet.verify/1) as the last line", &flags->json},
  };
  return verb;
}

}  // namespace passnet::cli
