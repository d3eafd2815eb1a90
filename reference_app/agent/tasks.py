"""The Celery side of the agent: which function a message runs.

Eleven tasks on three queues: runs of the agent, phases of it on their own, and chat.
"""

from reference_app.broker import app
from reference_app.job_task import JobTask
from reference_app.settings import settings


class RunAgent(JobTask):
    """Make a knowledge base of the notes, in seven phases."""

    name = "agent.run_agent"
    function = "reference_app.agent.runs:run_agent"
    without_broker = settings().agent_without_broker


class FetchBookmarks(JobTask):
    """Look which notes there are."""

    name = "agent.fetch_bookmarks"
    function = "reference_app.agent.runs:fetch_bookmarks"


class GitSync(JobTask):
    """Commit what has changed in the knowledge base."""

    name = "agent.git_sync"
    function = "reference_app.agent.runs:git_sync"


class ProcessTweets(JobTask):
    """Process some bookmarks, or one step of it. The name is the one of old."""

    name = "processing.process_tweets"
    function = "reference_app.agent.runs:process_tweets"


class GenerateSynthesis(JobTask):
    """Write what the notes of each category share."""

    name = "processing.generate_synthesis"
    function = "reference_app.agent.runs:generate_synthesis"


class GenerateEmbeddings(JobTask):
    """Make the index that questions are answered with."""

    name = "processing.generate_embeddings"
    function = "reference_app.agent.runs:generate_embeddings"


class GenerateReadme(JobTask):
    """Write the first page and the pages of the categories."""

    name = "processing.generate_readme"
    function = "reference_app.agent.runs:generate_readme"


class ProcessChat(JobTask):
    """Answer a message of a chat."""

    name = "chat.process_chat"
    function = "reference_app.agent.talks:process_chat"


class UpdateEmbeddingsIndex(JobTask):
    """Bring the index up to date with the items."""

    name = "chat.update_embeddings_index"
    function = "reference_app.agent.runs:generate_embeddings"


class SearchKnowledgeBase(JobTask):
    """Find the items that say something about a question."""

    name = "chat.search_knowledge_base"
    function = "reference_app.agent.talks:search_knowledge_base"


class GenerateChatContext(JobTask):
    """Find the sentences of some items that answer a question."""

    name = "chat.generate_chat_context"
    function = "reference_app.agent.talks:generate_chat_context"


run_agent = app.register_task(RunAgent())
fetch_bookmarks = app.register_task(FetchBookmarks())
git_sync = app.register_task(GitSync())
process_tweets = app.register_task(ProcessTweets())
generate_synthesis = app.register_task(GenerateSynthesis())
generate_embeddings = app.register_task(GenerateEmbeddings())
generate_readme = app.register_task(GenerateReadme())
process_chat = app.register_task(ProcessChat())
update_embeddings_index = app.register_task(UpdateEmbeddingsIndex())
search_knowledge_base = app.register_task(SearchKnowledgeBase())
generate_chat_context = app.register_task(GenerateChatContext())
