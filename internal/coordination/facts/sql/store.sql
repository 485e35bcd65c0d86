SELECT store_spell_facts(@people, @facts)
