#include "daemon/http_api/routes.h"

#include <charconv>
#include <utility>

#include "agent/campaign/report.h"
#include "base/clock.h"
#include "base/json.h"
#include "daemon/http_api/metrics.h"
#include "daemon/http_api/openapi.h"
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

Task<Result<LoopFigures>> ReadLoopFigures(agent::CampaignManager* manager, agent::StoreJournal* journal,
                                          agent::GateRegistry* gates) {
  LoopFigures figures;
  figures.campaigns_running = manager->running();
  figures.trajectories = manager->trajectories();
  figures.gates = gates->facts();
  figures.journal_waiting = journal->waiting();
  figures.journal_trouble = journal->Trouble();
  figures.quarantined = manager->quarantined();
  figures.outages = manager->Outages();
  figures.stopping = manager->stopping();
  co_return figures;
}

Result<LoopFigures> ReadLoop(const ApiPorts& ports) {
  Command<Result<LoopFigures>> read = [manager = ports.manager, journal = ports.journal, gates = ports.gates] {
    return ReadLoopFigures(manager, journal, gates);
  };
  return CallOnLoop(*ports.loop, Deadline::After(kHealthLimit), std::move(read));
}

// What a stop waits for; null: there is none.
Json StoppingJson(const LoopFigures& loop, const agent::LanePoolFacts& lanes) {
  if (!loop.stopping) return Json();
  int64_t replies = 0;
  for (const agent::GateFacts& gate : loop.gates) replies += gate.in_flight;
  int64_t evaluators = 0;
  for (const agent::LaneFacts& process : lanes.processes) {
    evaluators += process.state == "starting" || process.state == "busy";
  }
  return {{"since", FormatUtc(loop.stopping->since_utc_us)},
          {"until", FormatUtc(loop.stopping->until_utc_us)},
          {"replies", replies},
          {"appends", loop.journal_waiting},
          {"evaluators", evaluators}};
}

Response Health(const ApiPorts& ports) {
  Result<LoopFigures> figures = ReadLoop(ports);
  if (!figures) return Problem(503, "the loop does not answer: " + figures.error().context);
  const std::string& trouble = figures.value().journal_trouble;
  const bool well = trouble.empty() && figures.value().quarantined.empty() && figures.value().outages.empty();
  const bool stopping = figures.value().stopping.has_value();
  Json json = {{"status", stopping ? "stopping" : well ? "ok" : "degraded"},
               {"journal", trouble.empty() ? "ok" : trouble},
               {"quarantined", figures.value().quarantined},
               {"lane", ports.lanes->state()},
               {"outages", OutagesJson(figures.value().outages)},
               {"campaigns_running", figures.value().campaigns_running},
               {"stopping", StoppingJson(figures.value(), ports.lanes->facts())}};
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

Response Metrics(const ApiPorts& ports) {
  Result<LoopFigures> loop = ReadLoop(ports);
  if (!loop) return Problem(503, "the loop does not answer: " + loop.error().context);
  auto text = MetricsText(ports, loop.value());
  if (!text) return Problem(text.error());
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = std::move(text).value();
  return response;
}

const std::vector<RouteParameter> kPaging = {
    {"after", "query", "integer", "the cursor: next of the page before; 0 from the start"},
    {"limit", "query", "integer", "1 to 1000; 100 when it is not given"}};

std::vector<RouteParameter> OfOneCampaign() {
  std::vector<RouteParameter> parameters = {{"campaign_id", "query", "string", "whose trajectories", true}};
  parameters.insert(parameters.end(), kPaging.begin(), kPaging.end());
  return parameters;
}

struct ApiRoute {
  RouteFacts facts;
  Response (*handle)(const ApiPorts&, const Request&);
};

std::vector<ApiRoute> StateRoutes() {
  return {
      {{"GET", "/health", "does the daemon answer, what waits, and does it stop", 200, "application/json", "", {}, {}, true},
       [](const ApiPorts& ports, const Request&) { return Health(ports); }},
      {{"GET", "/metrics", "figures in the text form of Prometheus", 200, "text/plain; version=0.0.4", ""},
       [](const ApiPorts& ports, const Request&) { return Metrics(ports); }},
      {{"GET", "/v1/version", "which program this is", 200, "application/json", ""},
       [](const ApiPorts& ports, const Request&) { return Version(ports); }},
      {{"GET", "/v1/config", "the options in force; no secrets are in it", 200, "application/json", ""},
       [](const ApiPorts& ports, const Request&) { return Config(ports); }},
      {{"GET", "/v1/lanes", "the evaluators and what they do", 200, "application/json", "lanes/2"},
       [](const ApiPorts& ports, const Request&) { return Ok(LanesJson(ports.lanes->facts())); }},
  };
}

std::vector<ApiRoute> CampaignRoutes() {
  return {
      {{"POST", "/v1/campaigns", "launch a campaign", 201, "application/json", "campaign_launched/1", {}, {404}},
       [](const ApiPorts& ports, const Request& request) { return Launch(ports, request); }},
      {{"GET", "/v1/campaigns", "all campaigns, in order of launch", 200, "application/json", "campaigns/1", kPaging},
       [](const ApiPorts& ports, const Request& request) { return Answer(ListCampaigns(ports, request)); }},
      {{"GET", "/v1/campaigns/{id}", "one campaign and its spec", 200, "application/json", "campaign/1", {}, {404}},
       [](const ApiPorts& ports, const Request& request) { return Answer(ShowCampaign(ports, request)); }},
      {{"GET", "/v1/campaigns/{id}/events", "a campaign's events as they are committed", 200, "text/event-stream", "",
        {{"Last-Event-ID", "header", "integer", "the row after which to go on"},
         {"after", "query", "integer", "the same, where there is no such header"}},
        {404}},
       [](const ApiPorts& ports, const Request& request) { return Events(ports, request); }},
      {{"POST", "/v1/campaigns/{id}/cancel", "end an open campaign", 202, "application/json", "", {}, {404, 409}},
       [](const ApiPorts& ports, const Request& request) {
         return Command202(ports, request, &agent::CampaignManager::Cancel, "cancelling");
       }},
      {{"POST", "/v1/campaigns/{id}/pause", "let nothing further begin", 202, "application/json", "", {}, {404}},
       [](const ApiPorts& ports, const Request& request) {
         return Command202(ports, request, &agent::CampaignManager::PauseCampaign, "pausing");
       }},
      {{"POST", "/v1/campaigns/{id}/resume", "let a paused one go on", 202, "application/json", "", {}, {404, 409}},
       [](const ApiPorts& ports, const Request& request) {
         return Command202(ports, request, &agent::CampaignManager::ResumeCampaign, "resuming");
       }},
      {{"POST", "/v1/campaigns/{id}/retry", "try again what ended infra", 202, "application/json", "", {},
        {404, 409}},
       [](const ApiPorts& ports, const Request& request) { return Retry(ports, request); }},
      {{"GET", "/v1/campaigns/{id}/report", "scores by task, ES(t), AS", 200, "application/json", "campaign_report/1", {},
        {404}},
       [](const ApiPorts& ports, const Request& request) { return Answer(Report(ports, request)); }},
      {{"GET", "/v1/trajectories", "a campaign's trajectories, in order of start", 200, "application/json",
        "trajectories/1", OfOneCampaign()},
       [](const ApiPorts& ports, const Request& request) { return Answer(ListTrajectories(ports, request)); }},
      {{"GET", "/v1/trajectories/{id}", "one trajectory", 200, "application/json", "trajectory_state/1", {}, {404}},
       [](const ApiPorts& ports, const Request& request) { return Answer(ShowTrajectory(ports, request)); }},
  };
}

}  // namespace

Router MakeRouter(const ApiPorts& ports) {
  Router router;
  for (const std::vector<ApiRoute>& group : {StateRoutes(), CampaignRoutes()}) {
    for (const ApiRoute& route : group) {
      router.Add(route.facts, [ports, handle = route.handle](const Request& request) { return handle(ports, request); });
    }
  }
  auto document = std::make_shared<std::string>();
  const RouteFacts facts = {"GET", "/v1/openapi.json", "this document", 200, "application/json", ""};
  router.Add(facts, [document](const Request&) { return Ok(*document); });
  *document = OpenApiJson(router.routes(), ports.build.version);
  return router;
}

}  // namespace passnet::daemon
