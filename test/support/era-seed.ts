// What the documentation of ERA's persistence sends, in its order: the requests of its `curl` commands, bodies as they are
// there, comments behind a value included.

export interface SeedRequest {
  readonly title: string;
  readonly method: "GET" | "POST";
  /** Relative to ERA's address. */
  readonly path: string;
  readonly body: string | null;
}

export const SEED_REQUESTS: readonly SeedRequest[] = [
  {
    title: "a first run in a session that nobody made",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "counter = 0\nuser_data = {\"name\": \"Alice\", \"score\": 0}"
  }`,
  },
  {
    title: "variables are there in a later run",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "counter += 1\nuser_data[\"score\"] += 10\nprint(f\"Counter: {counter}, Score: {user_data[\"score\"]}\")"
  }`,
  },
  {
    title: "a run writes a file",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "with open(\"config.json\", \"w\") as f:\n    f.write(\"{\\\"setting\\\": \\\"value\\\"}\")"
  }`,
  },
  {
    title: "a later run reads the file",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "with open(\"config.json\", \"r\") as f:\n    config = f.read()\nprint(f\"Config: {config}\")"
  }`,
  },
  {
    title: "a run imports modules",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "import json\nimport math\nfrom datetime import datetime"
  }`,
  },
  {
    title: "a later run uses them",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "data = {\"timestamp\": datetime.now().isoformat()}\nprint(json.dumps(data))"
  }`,
  },
  {
    title: "creating completes the session",
    method: "POST",
    path: "/api/sessions",
    body: String.raw`{
    "language": "python",
    "session_id": "my-session",
    "data": {
      "user_id": "123",
      "workspace": "analytics"
    }
  }`,
  },
  {
    title: "looking at it",
    method: "GET",
    path: "/api/sessions/my-session",
    body: null,
  },
  {
    title: "session A sets a variable",
    method: "POST",
    path: "/api/sessions/session-a/run",
    body: String.raw`{
    "code": "shared_data = \"This is session A\""
  }`,
  },
  {
    title: "session B does not see it",
    method: "POST",
    path: "/api/sessions/session-b/run",
    body: String.raw`{
    "code": "print(shared_data)"  # Error: name \"shared_data\" is not defined
  }`,
  },
  {
    title: "a first execution",
    method: "POST",
    path: "/api/execute",
    body: String.raw`{
    "language": "python",
    "code": "data = [1, 2, 3]"
  }`,
  },
  {
    title: "a second one begins anew",
    method: "POST",
    path: "/api/execute",
    body: String.raw`{
    "language": "python",
    "code": "print(data)"  # Error: name \"data\" is not defined
  }`,
  },
  {
    title: "a configuration is written",
    method: "POST",
    path: "/api/sessions/app-session/run",
    body: String.raw`{
    "code": "import json\nconfig = {\"api_url\": \"https://api.example.com\", \"timeout\": 30}\nwith open(\"config.json\", \"w\") as f:\n    json.dump(config, f)"
  }`,
  },
  {
    title: "the configuration is read",
    method: "POST",
    path: "/api/sessions/app-session/run",
    body: String.raw`{
    "code": "import json\nwith open(\"config.json\", \"r\") as f:\n    config = json.load(f)\nprint(f\"API URL: {config[\"api_url\"]}\")"
  }`,
  },
  {
    title: "a log is begun",
    method: "POST",
    path: "/api/sessions/logger/run",
    body: String.raw`{
    "code": "import json\nlog = []\nwith open(\"log.json\", \"w\") as f:\n    json.dump(log, f)"
  }`,
  },
  {
    title: "a first entry",
    method: "POST",
    path: "/api/sessions/logger/run",
    body: String.raw`{
    "code": "import json\nwith open(\"log.json\", \"r\") as f:\n    log = json.load(f)\nlog.append({\"event\": \"user_login\", \"time\": \"10:00\"})\nwith open(\"log.json\", \"w\") as f:\n    json.dump(log, f)\nprint(f\"Log entries: {len(log)}\")"
  }`,
  },
  {
    title: "a second entry",
    method: "POST",
    path: "/api/sessions/logger/run",
    body: String.raw`{
    "code": "import json\nwith open(\"log.json\", \"r\") as f:\n    log = json.load(f)\nlog.append({\"event\": \"user_action\", \"time\": \"10:05\"})\nwith open(\"log.json\", \"w\") as f:\n    json.dump(log, f)\nprint(f\"Log entries: {len(log)}\")"
  }`,
  },
  {
    title: "a workflow is begun",
    method: "POST",
    path: "/api/sessions/workflow/run",
    body: String.raw`{
    "code": "state = \"initialized\"\nsteps_completed = 0\nprint(f\"State: {state}\")"
  }`,
  },
  {
    title: "data is collected",
    method: "POST",
    path: "/api/sessions/workflow/run",
    body: String.raw`{
    "code": "if state == \"initialized\":\n    data = [1, 2, 3, 4, 5]\n    state = \"data_collected\"\n    steps_completed += 1\n    print(f\"Data collected. State: {state}\")\nelse:\n    print(f\"Invalid state: {state}\")"
  }`,
  },
  {
    title: "data is processed",
    method: "POST",
    path: "/api/sessions/workflow/run",
    body: String.raw`{
    "code": "if state == \"data_collected\":\n    result = sum(data) / len(data)\n    state = \"processed\"\n    steps_completed += 1\n    print(f\"Average: {result}. State: {state}\")\nelse:\n    print(f\"Invalid state: {state}\")"
  }`,
  },
  {
    title: "the workflow is completed",
    method: "POST",
    path: "/api/sessions/workflow/run",
    body: String.raw`{
    "code": "if state == \"processed\":\n    state = \"completed\"\n    print(f\"Workflow completed in {steps_completed} steps\")\nelse:\n    print(f\"Invalid state: {state}\")"
  }`,
  },
  {
    title: "a result is computed and cached",
    method: "POST",
    path: "/api/sessions/cache-demo/run",
    body: String.raw`{
    "code": "import json\nimport os\n\ndef expensive_computation(n):\n    result = sum(range(n))\n    return result\n\ncache_file = \"cache.json\"\nif os.path.exists(cache_file):\n    with open(cache_file, \"r\") as f:\n        cache = json.load(f)\n    print(\"Using cached result\")\nelse:\n    result = expensive_computation(1000000)\n    cache = {\"result\": result}\n    with open(cache_file, \"w\") as f:\n        json.dump(cache, f)\n    print(\"Computed and cached result\")\n\nprint(f\"Result: {cache[\"result\"]}\")"
  }`,
  },
  {
    title: "the cache is used",
    method: "POST",
    path: "/api/sessions/cache-demo/run",
    body: String.raw`{
    "code": "import json\nwith open(\"cache.json\", \"r\") as f:\n    cache = json.load(f)\nprint(f\"Cached result: {cache[\"result\"]}\")"
  }`,
  },
  {
    title: "data is updated by a run",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "result = 42\nprint(f\"Computed: {result}\")",
    "update_data": {
      "last_result": 42,
      "computation_count": 1,
      "updated_at": "2024-10-23T10:30:00Z"
    }
  }`,
  },
  {
    title: "looking at the data",
    method: "GET",
    path: "/api/sessions/my-session",
    body: null,
  },
  {
    title: "a session is initialised",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "# Initialize session\nimport json\nimport os\n\n# Set up config if not exists\nif not os.path.exists(\"config.json\"):\n    config = {\"version\": \"1.0\", \"initialized\": True}\n    with open(\"config.json\", \"w\") as f:\n        json.dump(config, f)\n\n# Initialize state\nif \"state\" not in dir():\n    state = {\"runs\": 0}\n\nprint(\"Session initialized\")"
  }`,
  },
  {
    title: "data is begun or loaded",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "import os\nimport json\n\ndata_file = \"data.json\"\n\nif os.path.exists(data_file):\n    with open(data_file, \"r\") as f:\n        data = json.load(f)\n    print(f\"Loaded existing data: {len(data)} items\")\nelse:\n    data = []\n    print(\"Initialized new data\")\n\n# Add new item\ndata.append({\"value\": 42})\n\n# Save\nwith open(data_file, \"w\") as f:\n    json.dump(data, f)"
  }`,
  },
  {
    title: "data is migrated",
    method: "POST",
    path: "/api/sessions/my-session/run",
    body: String.raw`{
    "code": "import json\n\nVERSION = \"2.0\"\n\ntry:\n    with open(\"data.json\", \"r\") as f:\n        data = json.load(f)\n    \n    # Migrate if needed\n    if data.get(\"version\", \"1.0\") != VERSION:\n        print(f\"Migrating from {data.get(\"version\")} to {VERSION}\")\n        # Perform migration...\n        data[\"version\"] = VERSION\n        with open(\"data.json\", \"w\") as f:\n            json.dump(data, f)\nexcept FileNotFoundError:\n    data = {\"version\": VERSION, \"items\": []}\n    with open(\"data.json\", \"w\") as f:\n        json.dump(data, f)"
  }`,
  },
];
