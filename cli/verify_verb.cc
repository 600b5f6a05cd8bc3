// passnet verify: is a journal what was written?
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

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

std::string Json(const VerifyFlags& flags, const trajectories::VerifyReport& report) {
  nlohmann::ordered_json json;
  json["schema"] = "passnet.verify/1";
  json["db"] = flags.db;
  json["intact"] = !report.first;
  json["finding"] = nullptr;
  if (const auto& finding = report.first) {
    json["finding"] = {{"what", trajectories::FindingWhatName(finding->what)},
                       {"where", finding->where},
                       {"detail", finding->detail},
                       {"row_id", nullptr}};
    if (finding->row_id) json["finding"]["row_id"] = *finding->row_id;
  }
  json["events"] = report.events;
  json["blobs"] = report.blobs;
  json["requests"] = report.requests;
  json["campaigns"] = report.campaigns;
  json["trajectories"] = report.trajectories;
  json["heads"] = nlohmann::ordered_json::array();
  for (const trajectories::Head& head : report.heads) json["heads"].push_back(ToString(head));
  json["heads_given"] = flags.heads;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
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
    std::printf("%s\n", Json(flags, report.value()).c_str());
  } else {
    Print(flags, report.value());
  }
  return report.value().first ? kExitVerification : kExitDone;
}

}  // namespace

void AddVerifyVerb(CLI::App& app, std::function<int()>* run) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* verb = app.add_subcommand("verify", "check the hash chains, blobs and cached tables of a journal");
  verb->footer("Exit code 4 names the first row that was changed, removed, reordered or added.\n"
               "Example:\n  passnet verify --db passnet.db --head c-…:17:5e88…");
  verb->add_option("--db", flags->db, "the journal (a daemon may be writing it)")->required();
  verb->add_option("--campaign", flags->campaign, "only this campaign and its trajectories");
  verb->add_option("--head", flags->heads, "<id>:<seq>:<hash> as an earlier verify printed it; may be repeated");
  verb->add_flag("--json", flags->json, "one object (passnet.verify/1) as the last line");
  verb->callback([flags, run] { *run = [flags] { return Run(*flags); }; });
}

}  // namespace passnet::cli
