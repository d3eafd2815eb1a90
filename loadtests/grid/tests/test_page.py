import re

from loadtests.grid import page, words
from loadtests.grid.look import Picture
from loadtests.grid.pictures import Panel
from loadtests.grid.summary import summarize
from loadtests.grid.tests.made import grid, measured

FACTS = {"cores": 2, "Celery": "5.7.0"}


def rendered(records, panels=(), facts=FACTS):
    return page.render(summarize(records), panels, facts)


def test_the_page_holds_every_cell():
    records = grid() + grid((3,), (5,), app="stock")
    shown = rendered(records)
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td class=\"number\">(\d+)</td>", shown)
    cells = summarize(records)
    assert rows == [
        (words.place(cell.replicas, cell.concurrency), str(cell.slots))
        for cell in cells
    ]
    for cell in cells:
        assert words.number(cell.throughput.median) in shown
        assert words.between(cell.throughput) in shown


def test_the_headline_is_the_best_throughput():
    records = [measured(throughput=50.0), measured(app="stock", throughput=70.0)]
    cell = words.cell(2, 4)
    assert f"<h1>50 jobs/s at best, with {cell}</h1>" in rendered(records[:1])
    assert f"<h1>stock: 70 jobs/s at best, with {cell}</h1>" in rendered(records)


def test_it_says_where_slots_stop_paying_and_why():
    shown = rendered(grid())
    assert f"first at <strong>{words.cell(2, 8)}</strong>" in shown
    assert "processors were 99 % busy" in shown


def test_where_jobs_arrive_at_a_rate_it_says_how_many_slots_are_enough():
    records = [measured(2, 4, arrivals=40.0, throughput=40.0)]
    shown = rendered(records)
    assert f"<h1>40 jobs/s need {words.cell(2, 4)}</h1>" in shown
    assert "the fewest that keep up" in shown
    shown = rendered([measured(2, 4, arrivals=90.0, throughput=70.0)])
    assert "no measured cell keeps up" in shown


def test_nothing_comes_from_elsewhere():
    picture = Picture("a", "Read it so.", "It shows that.", b"\x89PNG")
    panel = Panel([summarize(grid())[0].series], [picture])
    shown = rendered(grid(), [panel])
    assert "Read it so." in shown
    assert 'alt="It shows that."' in shown
    sources = re.findall(r'(?:src|href|action)="([^"]*)"', shown)
    assert sources == ["data:image/png;base64,iVBORw=="]
    assert "://" not in shown
    assert "<script" not in shown
    assert "url(" not in shown
    assert "@import" not in shown


def test_names_are_escaped():
    evil = "<script>alert('x')</script>&"
    records = [measured(app=evil, failures={evil: 1}), measured(service=evil)]
    shown = rendered(records, facts={evil: evil})
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") >= 5


def test_failures_are_told_by_their_reason():
    assert "No job failed." in rendered([measured()])
    shown = rendered([measured(failures={"TimeLimitExceeded": 2})])
    assert "2 TimeLimitExceeded" in shown
    assert "No job failed." not in shown


def test_many_answers_are_rows_of_a_table():
    records = [measured(app=f"app {n}", throughput=70.0 + n) for n in range(5)]
    assert rendered(records[:4]).count("<article") == 4
    shown = rendered(records)
    assert "<article" not in shown
    for record in records:
        assert f"<tr><td>{record.app}</td>" in shown


def test_facts_are_told_at_the_foot():
    assert "<dt>Celery</dt><dd>5.7.0</dd>" in rendered(grid())
    assert "Machine and versions" not in rendered(grid(), facts={})


def test_a_run_that_measured_nothing_says_so():
    assert "<h1>Nothing was measured.</h1>" in rendered([])


def test_a_picture_without_a_partner_has_its_row():
    half = Picture("a", "Read.", "Alt.", b"")
    wide = Picture("b", "Read.", "Alt.", b"", wide=True)
    series = summarize(grid())[0].series
    shown = rendered(grid(), [Panel([series], [half, half, half, wide, half])])
    widths = [each.strip() for each in re.findall(r'<figure class="card(.*?)">', shown)]
    assert widths == ["", "", "alone", "wide", "alone"]
