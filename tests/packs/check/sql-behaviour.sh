#!/bin/sh
# What the tables of the hostile model take and refuse.
. "$(dirname "$0")/../common.sh"
. "$here/postgres.sh"
cd "$folder"
psql -q -v ON_ERROR_STOP=1 -1 -d model -f all.sql
status=0
takes() { psql -q -v ON_ERROR_STOP=1 -1 -d model -c "$1" >"$work/said" 2>&1 || { status=1; echo "not taken: $1"; head -2 "$work/said"; }; }
refuses() { ! psql -q -v ON_ERROR_STOP=1 -1 -d model -c "$1" >"$work/said" 2>&1 || { status=1; echo "not refused: $1"; }; }
new() { echo "insert into instance_ (id_, class_) values ($1, '$2');"; }
takes "$(new 1 Dog) insert into animal (id_, name) values (1, 'Rex'); insert into broken values (1); insert into party values (1); insert into dog values (1);"
refuses "$(new 2 Nope)"
refuses "insert into instance_ default values;"
refuses "$(new 2 Dog) insert into dog values (2);"
takes "$(new 3 Person) insert into agent values (3); insert into party values (3); insert into person (id_, favourite, name) values (3, 1, 'Ada'); insert into person__about (id_, position_, value__text, value__dog) values (3, 1, null, 1), (3, 2, 'a', null);"
refuses "insert into person__about (id_, position_, value__text, value__dog) values (3, 3, 'a', 1);"
refuses "insert into person__about (id_, position_) values (3, 3);"
refuses "insert into person__about (id_, position_, value__text) values (3, 2, 'again');"
refuses "insert into person__about (id_, position_, value__colour) values (3, 3, 'Blue');"
takes "insert into person__about (id_, position_, value__colour) values (3, 3, 'Red');"
refuses "update person set favourite = 3 where id_ = 3;"
takes "set constraints all deferred; $(new 10 Hen) $(new 11 Egg) insert into hen values (10, 11); insert into egg values (11, 10);"
refuses "$(new 12 Hen) insert into hen values (12, null);"
refuses "set constraints all deferred; $(new 12 Hen) insert into hen values (12, 99);"
takes "$(new 20 Values) insert into values (id_, percentage, long_code, fixed) values (20, 99.99, 'A12-B', '😀bcd'); insert into values__codes values (20, 1, 'A12');"
for wrong in "percentage = 100.01" "percentage = 1.234" "percentage = 'NaN'" "long_code = 'A12'" "long_code = 'a12-b'" "fixed = 'abc'" "whole_percentage = 1.5" "whole_percentage = 101"; do
    refuses "update values set $wrong where id_ = 20;"
done
refuses "insert into values__codes values (20, 2, 'xA12');"
takes "$(new 30 Shaped) insert into shaped (id_, code) values (30, 'ab'); insert into shaped__title values (30, 1, 'Hallo', 'de'), (30, 2, 'Hello', 'en-GB');"
for wrong in "code = 'A'" "code = null" "code = E'abc\\n'" "code_any_case = 'xabc'" "hostile_pattern = 'it''s'" "percent = 100.5" "percent = -0.1" "whole_percent = 0" "whole_percent = 1.5" "temperature = -273.16" "day = '2019-12-31'" "state = 'Ajar'" "level = 0" "quoted = 'line'" "either_or__date = '2024-01-01', either_or__integer = 5"; do
    refuses "update shaped set $wrong where id_ = 30;"
done
for right in "code = 'abcd'" "code_any_case = 'ABCdef'" "percent = 100.49" "whole_percent = 100" "day = '2020-01-01'" "state = 'null'" "level = -4" "quoted = E'line\\nbreak'" "either_or__integer = 5"; do
    takes "update shaped set $right where id_ = 30;"
done
refuses "insert into shaped__title values (30, 3, 'Hi', 'de');"
refuses "insert into shaped__title values (30, 3, 'Salut', 'fr');"
refuses "insert into shaped__short_text values (30, 1, 'a');"
refuses "insert into shaped__short_text values (30, 4, 'ab');"
takes "insert into shaped__short_text values (30, 1, '😀😀');"
[ "$(psql -d model -qtAc 'select state, percent from shaped')" = 'null|100.49' ] || { status=1; echo "defaults"; }
takes "delete from instance_ where id_ = 3;"
[ "$(psql -d model -qtAc 'select count(*) from person__about')" = 0 ] || { status=1; echo "cascade"; }
[ $status = 0 ] && echo "all as wanted"
exit $status
