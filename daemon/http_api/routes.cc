#include "daemon/http_api/routes.h"

#include <charconv>
#include <utility>

#include "agent/campaign/report.h"
#include "base/json.h"
#include "daemon/http_api/problem.h"
#include "daemon/http_api/views.h"
#include "daemon/loop_call.h"

namespace passnet::daemon {
namespace {

constexpr Nanos kCommandLimit = std::chrono::seconds(150);  // a launch may wait for the lane's start
constexpr Nanos kHealthLimit = std::chrono::seconds(2);
constexpr int64_t kMaxPage = 1000;

Response Ok(std::string body) {
  Response response;
  response.body = std::move(body) + "\n";
  return response;
}

Response Answer(const Result<std::string>& body) { return body ? Ok(body.value()) : Problem(body.error()); }

Result<int64_t> NumberOf(const std::string& text, const std::string& name, int64_t fallback) {
  if (text.empty()) return fallback;
  int64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number < 0) {
    return InvalidArgument(name + " must be a number, not \"" + text + "\"");
  }
  return number;
}

struct PageQuery {
  int64_t after = 0;
  int64_t limit = 0;
};

Result<PageQuery> PageOf(const Request& request) {
  PageQuery page;
  ASSIGN_OR_RETURN(page.after, NumberOf(request.Query("after"), "after", 0));
  ASSIGN_OR_RETURN(page.limit, NumberOf(request.Query("limit"), "limit", 100));
  if (page.limit < 1 || page.limit > kMaxPage) return InvalidArgument("limit must be 1.." + std::to_string(kMaxPage));
  return page;
}

template <typename States>
int64_t NextOf(const States& states, const PageQuery& page) {
  return static_cast<int64_t>(states.size()) == page.limit ? states.back().first_row_id : 0;
}

struct HealthFacts {
  int64_t campaigns = 0;
  int waiting_for_space = 0;
  std::vector<agent::Outage> outages;
};

Task<Result<HealthFacts>> ReadHealth(agent::CampaignManager* manager, agent::StoreJournal* journal) {
  HealthFacts facts;
  facts.campaigns = manager->running();
  facts.waiting_for_space = journal->waiting_for_space();
  facts.outages = manager->Outages();
  co_return facts;
}

Response Health(const ApiPorts& ports) {
  Command<Result<HealthFacts>> read = [manager = ports.manager, journal = ports.journal] {
    return ReadHealth(manager, journal);
  };
  Result<HealthFacts> facts = CallOnLoop(*ports.loop, Deadline::After(kHealthLimit), std::move(read));
  if (!facts) return Problem(503, "the loop does not answer: " + facts.error().context);
  bool full = facts.value().waiting_for_space > 0;
  bool degraded = full || !facts.value().outages.empty();
  Json json = {{"status", degraded ? "degraded" : "ok"},
               {"journal", full ? "waits for disk space: campaigns are paused" : "ok"},
               {"lane", ports.lanes->state()},
               {"outages", OutagesJson(facts.value().outages)},
               {"campaigns_running", facts.value().campaigns}};
  return Ok(json.Dump());
}

Response Version(const ApiPorts& ports) {
  Json json = {{"name", "passnetd"}, {"version", ports.build.version}, {"git", ports.build.git}, {"api", "v1"}};
  return Ok(json.Dump());
}

Response Config(const ApiPorts& ports) {
  DaemonOptions options = ports.options;  // names of variables only: there is nothing secret in it
  return Ok(FieldsToJson([&](FieldVisitor& fields) { VisitFields(fields, options); }));
}

Response Launch(const ApiPorts& ports, const Request& request) {
  auto spec = agent::CampaignSpecFromJson(request.body);
  if (!spec) return Problem(spec.error());
  Command<Result<std::string>> launch = [manager = ports.manager, spec = std::move(spec).value()] {
    return manager->Launch(spec);
  };
  Result<std::string> id = CallOnLoop(*ports.loop, Deadline::After(kCommandLimit), std::move(launch));
  if (!id) return Problem(id.error());
  Response response = Ok(Json({{"schema", "passnet.campaign_launched/1"}, {"campaign_id", id.value()}}).Dump());
  response.status = 201;
  response.headers["Location"] = "/v1/campaigns/" + id.value();
  return response;
}

Result<std::string> ListCampaigns(const ApiPorts& ports, const Request& request) {
  ASSIGN_OR_RETURN(PageQuery page, PageOf(request));
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(auto states, reader->Campaigns(page.after, page.limit));
  return CampaignsJson(states, NextOf(states, page));
}

Result<std::string> ShowCampaign(const ApiPorts& ports, const Request& request) {
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(auto state, reader->Campaign(request.parameters[0]));
  ASSIGN_OR_RETURN(auto launch, agent::LoadLaunch(*reader, request.parameters[0]));
  ASSIGN_OR_RETURN(auto detail, agent::LoadStateDetail(*reader, request.parameters[0]));
  return CampaignJson(state, detail, launch.spec, static_cast<int64_t>(launch.tasks.size()));
}

Result<std::string> Report(const ApiPorts& ports, const Request& request) {
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(auto report, agent::BuildReport(*reader, request.parameters[0]));
  return ToJson(report);
}

Response Accepted(const Json& body) {
  Response response = Ok(body.Dump());
  response.status = 202;
  return response;
}

using Operate = Task<Status> (agent::CampaignManager::*)(std::string campaign_id, std::string who);

// A command that a campaign is to follow; `state`: what it is in until it has.
Response Command202(const ApiPorts& ports, const Request& request, Operate operate, const char* state) {
  const std::string& id = request.parameters[0];
  Command<Status> command = [manager = ports.manager, operate, id] { return (manager->*operate)(id, "api"); };
  Status done = CallOnLoop(*ports.loop, Deadline::After(kCommandLimit), std::move(command));
  if (!done) return Problem(done.error());
  return Accepted({{"campaign_id", id}, {"state", state}});
}

Response Retry(const ApiPorts& ports, const Request& request) {
  const std::string& id = request.parameters[0];
  Command<Result<int64_t>> retry = [manager = ports.manager, id] { return manager->RetryInfra(id, "api"); };
  Result<int64_t> again = CallOnLoop(*ports.loop, Deadline::After(kCommandLimit), std::move(retry));
  if (!again) return Problem(again.error());
  return Accepted({{"campaign_id", id}, {"state", "running"}, {"trajectories", again.value()}});
}

Response Events(const ApiPorts& ports, const Request& request) {
  const std::string& id = request.parameters[0];
  Status known = [&]() -> Status {
    ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
    ASSIGN_OR_RETURN([[maybe_unused]] auto state, reader->Campaign(id));
    return OkStatus();
  }();
  if (!known) return Problem(known.error());
  std::string last = request.Header("last-event-id");
  auto after = NumberOf(last.empty() ? request.Query("after") : last, "Last-Event-ID", 0);
  if (!after) return Problem(after.error());
  auto slot = ports.streams->Take();
  if (!slot) return Problem(503, "all places for event streams are taken; close one or ask again later");
  Response response;
  response.content_type = "text/event-stream";
  response.headers["Cache-Control"] = "no-store";
  response.stream = EventStream(ports.store, ports.readers, id, after.value(), std::move(slot));
  return response;
}

Result<std::string> ListTrajectories(const ApiPorts& ports, const Request& request) {
  std::string campaign = request.Query("campaign_id");
  if (campaign.empty()) return InvalidArgument("the query parameter campaign_id is required");
  ASSIGN_OR_RETURN(PageQuery page, PageOf(request));
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(auto states, reader->Trajectories(campaign, page.after, page.limit));
  return TrajectoriesJson(states, NextOf(states, page));
}

Result<std::string> ShowTrajectory(const ApiPorts& ports, const Request& request) {
  ASSIGN_OR_RETURN(auto reader, ports.readers->Borrow());
  ASSIGN_OR_RETURN(auto state, reader->Trajectory(request.parameters[0]));
  return TrajectoryJson(state);
}

}  // namespace

Router MakeRouter(const ApiPorts& ports) {
  Router router;
  router.Add("GET", "/health", [ports](const Request&) { return Health(ports); });
  router.Add("GET", "/v1/version", [ports](const Request&) { return Version(ports); });
  router.Add("GET", "/v1/config", [ports](const Request&) { return Config(ports); });
  router.Add("GET", "/v1/lanes", [ports](const Request&) { return Ok(LanesJson(ports.lanes->facts())); });
  router.Add("POST", "/v1/campaigns", [ports](const Request& request) { return Launch(ports, request); });
  router.Add("GET", "/v1/campaigns", [ports](const Request& request) { return Answer(ListCampaigns(ports, request)); });
  router.Add("GET", "/v1/campaigns/{}",
             [ports](const Request& request) { return Answer(ShowCampaign(ports, request)); });
  router.Add("GET", "/v1/campaigns/{}/events", [ports](const Request& request) { return Events(ports, request); });
  using agent::CampaignManager;
  router.Add("POST", "/v1/campaigns/{}/cancel", [ports](const Request& request) {
    return Command202(ports, request, &CampaignManager::Cancel, "cancelling");
  });
  router.Add("POST", "/v1/campaigns/{}/pause", [ports](const Request& request) {
    return Command202(ports, request, &CampaignManager::PauseCampaign, "pausing");
  });
  router.Add("POST", "/v1/campaigns/{}/resume", [ports](const Request& request) {
    return Command202(ports, request, &CampaignManager::ResumeCampaign, "resuming");
  });
  router.Add("POST", "/v1/campaigns/{}/retry", [ports](const Request& request) { return Retry(ports, request); });
  router.Add("GET", "/v1/campaigns/{}/report",
             [ports](const Request& request) { return Answer(Report(ports, request)); });
  router.Add("GET", "/v1/trajectories",
             [ports](const Request& request) { return Answer(ListTrajectories(ports, request)); });
  router.Add("GET", "/v1/trajectories/{}",
             [ports](const Request& request) { return Answer(ShowTrajectory(ports, request)); });
  return router;
}

}  // namespace passnet::daemon
